import type {
  DeleteItem,
  DeleteOutcome,
  FetchOutcome,
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

/** What an item comes to, by kind of operation. */
export interface OutcomeOf {
  readonly set: SetOutcome;
  readonly fetch: FetchOutcome;
  readonly query: QueryOutcome;
  readonly delete: DeleteOutcome;
}

export type Kind = keyof ItemOf;

/** `T` for each kind, told apart by its property `kind`. */
export interface BatchOf<K extends Kind> {
  readonly kind: K;
  readonly items: readonly ItemOf[K][];
}

export type Batch = { readonly [K in Kind]: BatchOf<K> }[Kind];

/** A batch and its outcomes, one for each item once all have come, in the order of the items. */
export interface OutcomeListOf<K extends Kind> {
  readonly kind: K;
  readonly items: readonly ItemOf[K][];
  readonly outcomes: OutcomeOf[K][];
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
  let units = batch.items.length * ITEM_WEIGHT;
  switch (batch.kind) {
    case 'set':
      for (const { key, value } of batch.items) units += key.data.length + value.data.length;
      break;
    case 'delete':
      for (const { key } of batch.items) units += key.data.length;
      break;
    case 'fetch':
    case 'query':
      for (const { data } of batch.items) units += data.length;
  }
  return units;
}

/** What an item takes beside its text: lengths, a version, a time to live. */
const ITEM_WEIGHT = 32;
