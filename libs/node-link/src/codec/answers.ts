import type { Kind, OutcomeOf } from '../batch.js';
import type { Refusal } from './refusal.js';

interface OutcomesOf<K extends Kind> {
  readonly kind: K;
  readonly outcomes: readonly OutcomeOf<K>[];
}

/** The outcomes of a call, one for each of its items, or the refusal of the call. */
export type Answer = { readonly id: number } & (
  { readonly [K in Kind]: OutcomesOf<K> }[Kind] | { readonly refusal: Refusal }
);

/** Stands in place of the operation if the call is refused. */
export const REFUSED = 0;

/** Flags of an outcome. */
export const OK = 1;
/** Created, present, deleted, or with an entry. */
export const YES = 2;
export const VALUE_BINARY = 4;
export const HAS_TTL = 8;
export const MAYBE_APPLIED = 16;
