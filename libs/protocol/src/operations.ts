import type { ErrorCode } from './errors.js';
import type { Key, Value } from './key.js';
import type { MaybePromise } from './maybe-promise.js';

/** A write of one pair. */
export interface SetItem {
  readonly key: Key;
  readonly value: Value;
  /** How long the pair lives, in milliseconds, a positive integer. Without it the pair stays. */
  readonly ttlMs?: number;
  /** Write only if the pair's version is this one; 0 means only if the key is absent. */
  readonly ifVersion?: number;
}

/** A removal of one pair. */
export interface DeleteItem {
  readonly key: Key;
  /** Delete only if the pair's version is this one; 0 never matches a present pair. */
  readonly ifVersion?: number;
}

/** A pair's value with what is known of it. */
export interface Entry {
  readonly value: Value;
  /** A positive integer that grows with each write of the key and never repeats for it. */
  readonly version: number;
  /** Milliseconds left to live, at least 1; absent for a pair that stays. */
  readonly ttlMs?: number;
}

/** Why one item of a batch could not be done. The other items are not affected. */
export interface ItemFailure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  /** For a write: the node may have applied it and its answer was lost. Absent where it surely did not. */
  readonly maybeApplied?: true;
}

export type SetOutcome =
  | {
      readonly ok: true;
      readonly version: number;
      /** Whether the key was absent before; an expired pair counts as absent. */
      readonly created: boolean;
    }
  | ItemFailure;
export type FetchOutcome = { readonly ok: true; readonly entry: Entry | null } | ItemFailure;
export type QueryOutcome = { readonly ok: true; readonly present: boolean } | ItemFailure;
export type DeleteOutcome = { readonly ok: true; readonly deleted: boolean } | ItemFailure;

/**
 * How the pairs of a scan are written as bytes of JSON. As `lines`, each pair is followed by `\n`; as `items`, each is
 * also preceded by a comma, so that they become an array by a bracket for the first comma and another at the end. Either
 * way, the texts of several scans make one by being joined where a pair ends, and only there is a raw newline.
 */
export type PairFormat = 'lines' | 'items';

/** Which pairs a scan is about. */
export interface ScanRequest {
  /** Only keys of this encoding whose data starts with this; empty data asks for all of the encoding. */
  readonly prefix?: Value;
  /** Only these partitions, in ascending order; all of them when absent. */
  readonly partitions?: readonly number[];
  /** Whether each pair carries `version` and `ttl_ms`. */
  readonly meta: boolean;
  /** Default `lines`. Pages are always lines. */
  readonly format?: PairFormat;
}

/**
 * Pairs as bytes of JSON, newline-delimited unless {@link PairFormat} says otherwise: every pair is one line that ends
 * in `\n`. Chunks may end anywhere in a pair. An error thrown by the iterator means that the answer is incomplete.
 */
export type PairLines = AsyncIterable<Uint8Array>;

export interface ScanAnswer {
  /** Nodes whose pairs are left out; empty unless the request allowed a partial answer. */
  readonly missingNodes: readonly string[];
  readonly lines: PairLines;
  /** What the lines are written as: `items` only where that was asked for. Default `lines`. */
  readonly format?: PairFormat;
  /** Lets go of what the answer holds. Must be called in the end, whether the lines were read or not; may be called again. */
  close(): void;
}

/**
 * What a kvs server does, whether it holds the pairs itself (a storage node) or forwards (the proxy). Batches are
 * applied item by item, in order, each item atomically; outcomes come in request order, one for each item.
 * An item's failure is its outcome; a method throws {@link KvsError} only when it could do nothing at all.
 */
export interface KeyValueOperations {
  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]>;
  /**
   * @param maxBytes at which reading stops: an answer whose values have certainly more bytes is refused whole, and only
   * little more than so many are held at a time. Default: no limit
   * @throws KvsError `answer_too_large`
   */
  fetch(keys: readonly Key[], maxBytes?: number): MaybePromise<readonly FetchOutcome[]>;
  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]>;
  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]>;
  /** @throws KvsError `node_unavailable` when a node is away and `partial` is not set */
  scan(request: ScanRequest & { readonly partial: boolean }): Promise<ScanAnswer>;
}
