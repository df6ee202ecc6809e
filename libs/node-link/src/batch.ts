import { Buffer } from 'node:buffer';
import type {
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
  ItemFailure,
  Key,
  QueryOutcome,
  SetItem,
  SetOutcome,
} from '@kvs/protocol';

/** What is asked for, by kind of operation. */
export interface ItemOf {
  readonly set: SetItem;
  readonly fetch: Key;
  readonly query: Key;
  readonly delete: DeleteItem;
}

/** What an item comes to when it is done, by kind of operation. */
interface DoneOf {
  readonly set: Exclude<SetOutcome, ItemFailure>;
  readonly fetch: Exclude<FetchOutcome, ItemFailure>;
  readonly query: Exclude<QueryOutcome, ItemFailure>;
  readonly delete: Exclude<DeleteOutcome, ItemFailure>;
}

/** What became of an item, by kind of operation: what it comes to when it is done, or why it failed. */
export type OutcomeOf<K extends Kind> = DoneOf[K] | ItemFailure;

/** The operations that travel in batches. */
export type Kind = keyof ItemOf;

/** Items of one kind, in the order in which they are to be done. May be empty. */
export interface BatchOf<K extends Kind> {
  readonly kind: K;
  readonly items: readonly ItemOf[K][];
}

/** A batch of any kind, told apart by its property `kind`. */
export type Batch = { readonly [K in Kind]: BatchOf<K> }[Kind];

/** A batch and its outcomes, one for each item once all have come, in the order of the items. */
export interface OutcomeListOf<K extends Kind> {
  readonly kind: K;
  readonly items: readonly ItemOf[K][];
  readonly outcomes: OutcomeOf<K>[];
}

export type OutcomeList = { readonly [K in Kind]: OutcomeListOf<K> }[Kind];

export function isWrite(kind: Kind): boolean {
  return kind === 'set' || kind === 'delete';
}

/** The keys of a batch, in order. */
export function keysOf(batch: Batch): readonly Key[] {
  switch (batch.kind) {
    case 'set':
    case 'delete':
      return batch.items.map(({ key }) => key);
    case 'fetch':
    case 'query':
      return batch.items;
  }
}

/** About how many bytes a batch takes while it is under way: its text, and something for each item. */
export function weightOf(batch: Batch): number {
  let weight = 0;
  switch (batch.kind) {
    case 'set':
      for (const item of batch.items) weight += setWeight(item);
      break;
    case 'delete':
      for (const { key } of batch.items) weight += keyWeight(key);
      break;
    case 'fetch':
    case 'query':
      for (const key of batch.items) weight += keyWeight(key);
  }
  return weight;
}

export function setWeight({ key, value }: SetItem): number {
  return ITEM_WEIGHT + key.data.length + value.data.length;
}

export function keyWeight({ data }: Key): number {
  return ITEM_WEIGHT + data.length;
}

/** At most how many bytes a frame has that carries such a batch alone. */
export function frameBytesOf(batch: Batch): number {
  let bytes = FRAME_WEIGHT + batch.items.length * ITEM_WEIGHT;
  for (const { data } of keysOf(batch)) bytes += Buffer.byteLength(data);
  if (batch.kind === 'set') for (const { value } of batch.items) bytes += Buffer.byteLength(value.data);
  return bytes;
}

/** What an item takes beside its text: lengths, a version, a time to live. */
export const ITEM_WEIGHT = 32;

/** What a frame takes beside its items. */
const FRAME_WEIGHT = 32;
