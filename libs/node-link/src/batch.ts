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

/** The items of a batch, by operation. */
export interface ItemOf {
  readonly set: SetItem;
  readonly fetch: Key;
  readonly query: Key;
  readonly delete: DeleteItem;
}

/** The outcome of an item that succeeds, by operation. */
interface DoneOf {
  readonly set: Exclude<SetOutcome, ItemFailure>;
  readonly fetch: Exclude<FetchOutcome, ItemFailure>;
  readonly query: Exclude<QueryOutcome, ItemFailure>;
  readonly delete: Exclude<DeleteOutcome, ItemFailure>;
}

/**
 * The outcome of an item, by operation. The failure stands apart, so that the compiler takes an `ItemFailure` as an outcome of
 * any operation.
 */
export type OutcomeOf<K extends Kind> = DoneOf[K] | ItemFailure;

/** The operations that travel in batches. */
export type Kind = keyof ItemOf;

/** Items of one operation, in the order in which the node applies them. May be empty. */
export interface BatchOf<K extends Kind> {
  readonly kind: K;
  readonly items: readonly ItemOf[K][];
}

/** A batch of any operation. */
export type Batch = { readonly [K in Kind]: BatchOf<K> }[Kind];

/** A batch with the partitions and the epoch that the router knows. */
export type RoutedBatch = Batch & {
  /** The partition of each key, in the order of the items. */
  readonly partitions: readonly number[];
  /** The largest epoch that the proxy knows of these partitions' entries; 0 if it has a fixed list of nodes. */
  readonly epoch: number;
};

/** A call that is not answered completely: its items, and the outcomes that have come, in their order. */
export interface OpenCallOf<K extends Kind> {
  readonly kind: K;
  readonly items: readonly ItemOf[K][];
  readonly outcomes: OutcomeOf<K>[];
}

export type OpenCall = { readonly [K in Kind]: OpenCallOf<K> }[Kind];

export function isWrite(kind: Kind): boolean {
  return kind === 'set' || kind === 'delete';
}

/** Returns the keys of a batch, in order. */
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

/** Returns about how many bytes a batch takes while it is in flight: its text, and {@link ITEM_WEIGHT} for each item. */
export function weightOf(batch: Batch): number {
  let weight = 0;
  switch (batch.kind) {
    case 'set':
      for (const item of batch.items) weight += setWeight(item);
      break;
    case 'delete':
      for (const item of batch.items) weight += deleteWeight(item);
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

export function deleteWeight({ key }: DeleteItem): number {
  return keyWeight(key);
}

export function keyWeight({ data }: Key): number {
  return ITEM_WEIGHT + data.length;
}

/** Returns the most bytes that a frame with this batch alone can have. */
export function frameBytesOf(batch: Batch): number {
  let bytes = FRAME_WEIGHT + batch.items.length * ITEM_WEIGHT;
  for (const { data } of keysOf(batch)) bytes += Buffer.byteLength(data);
  if (batch.kind === 'set') for (const { value } of batch.items) bytes += Buffer.byteLength(value.data);
  return bytes;
}

/** The bytes of an item besides its text: lengths, a version, a time to live. */
export const ITEM_WEIGHT = 32;

/** The bytes of a frame besides its items. */
const FRAME_WEIGHT = 32;
