import type { ExclusiveOperations, KeyValueOperations, Limits } from '@kvs/protocol';

/** Injection token of the `KeyValueOperations` that the routes call. */
export const OPERATIONS = Symbol('KeyValueOperations');
/** Injection token of the same operations as `ExclusiveOperations`, so that the updates of this process don't conflict. */
export const EXCLUSIVE_OPERATIONS = Symbol('ExclusiveOperations');
/** Injection token of the `Limits` of a request. */
export const LIMITS = Symbol('Limits');
/** Injection token of a {@link Readiness}. */
export const READINESS = Symbol('Readiness');

export type { ExclusiveOperations, KeyValueOperations, Limits };

/** Tells whether the server can serve requests. */
export interface Readiness {
  /** Returns the reason why the server can't serve; undefined if it can. */
  check(): Promise<string | undefined>;
}
