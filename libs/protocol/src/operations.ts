import type { ErrorCode } from './errors.js';
import type { Key, Value } from './key.js';
import type { MaybePromise } from './maybe-promise.js';

/** When a pair expires. Without either property, it does not. */
export type Expiry =
  | {
      /** The time to live in milliseconds, a positive integer. */
      readonly ttlMs: number;
      readonly expiresAtMs?: undefined;
    }
  | {
      readonly ttlMs?: undefined;
      /** In milliseconds since the Unix epoch. If the time has passed, the write is done, and the pair is absent. */
      readonly expiresAtMs?: number;
    };

/** A write of one pair. */
export type SetItem = Expiry & {
  readonly key: Key;
  readonly value: Value;
  /** Write only if the pair has this version; 0 means only if the key is absent. */
  readonly ifVersion?: number;
};

/** A removal of one pair. */
export interface DeleteItem {
  readonly key: Key;
  /** Delete only if the pair has this version. 0 never matches a present pair. */
  readonly ifVersion?: number;
}

/** A pair's value, version and time to live. */
export interface Entry {
  readonly value: Value;
  /** A positive integer that grows with each write of the key and never repeats for it. */
  readonly version: number;
  /** The remaining time to live in milliseconds, at least 1; absent if the pair does not expire. */
  readonly ttlMs?: number;
  /** When the pair expires, in milliseconds since the Unix epoch; there exactly if `ttlMs` is. */
  readonly expiresAtMs?: number;
}

/** Why one item of a batch failed. Other items are not affected. */
export interface ItemFailure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  /** Set if the node may have applied a write, because its answer was lost. */
  readonly maybeApplied?: true;
}

/** The answer of a write for one item: its version, or why it failed. */
export type SetOutcome =
  | {
      readonly ok: true;
      readonly version: number;
      /** Whether the key was absent before; an expired pair counts as absent. */
      readonly created: boolean;
    }
  | ItemFailure;
/** The answer of a read for one key. The entry of an absent key is null. */
export type FetchOutcome = { readonly ok: true; readonly entry: Entry | null } | ItemFailure;
/** Whether one key is present. */
export type QueryOutcome = { readonly ok: true; readonly present: boolean } | ItemFailure;
/** Whether there was a pair to delete. */
export type DeleteOutcome = { readonly ok: true; readonly deleted: boolean } | ItemFailure;

/**
 * How the pairs of a scan are written as JSON. As `lines`, each pair is followed by `\n`. As `items`, each pair is
 * also preceded by a comma; replace the first comma by an opening bracket and add a closing one to get an array. The
 * texts of several scans can be joined at the end of any pair. A raw newline is only there.
 */
export type PairFormat = 'lines' | 'items';

/** Which pairs a scan is about. */
export interface ScanRequest {
  /** Only keys of this encoding that start with this data; empty data selects all keys of the encoding. */
  readonly prefix?: Value;
  /** Only these partitions, in ascending order. Default: all. */
  readonly partitions?: readonly number[];
  /** Whether each pair has `version` and `ttl_ms`. */
  readonly meta: boolean;
  /** Whether each pair has its `value`. Default: true. */
  readonly values?: boolean;
  /** Default: `lines`. */
  readonly format?: PairFormat;
}

/**
 * Pairs as bytes of JSON, newline-delimited unless {@link PairFormat} says otherwise: every pair is one line that ends
 * in `\n`. Chunks may end anywhere in a pair, and are never written to again, so a reader may keep them. An error
 * thrown by the iterator means that the answer is incomplete.
 */
export type PairLines = AsyncIterable<Uint8Array>;

/** The answer of a scan, whose pairs are read as they come. */
export interface ScanAnswer {
  /** The nodes whose pairs are missing; empty unless the request allowed a partial answer. */
  readonly missingNodes: readonly string[];
  /** In the format of the request. */
  readonly lines: PairLines;
  /**
   * Releases everything that the answer holds. Must be called in the end, whether or not the lines were read. May be
   * called again.
   */
  close(): void;
}

/**
 * The operations of a kvs server, whether it has the pairs itself (a storage node) or forwards (the proxy). Each item of a
 * batch is applied atomically. Items of one key are applied in their order; those of other keys may be applied earlier or later.
 * There is one outcome for each item, in order. A failed item is an outcome; a method throws {@link KvsError} only if it could
 * do nothing at all.
 */
export interface KeyValueOperations {
  /** Stores pairs. */
  set(items: readonly SetItem[]): MaybePromise<readonly SetOutcome[]>;
  /**
   * Reads values, versions and times left.
   *
   * @param maxBytes the limit of the values' bytes. Reading stops at it, and the answer is refused. Operations may not apply it to a
   * single key, whose value has a limit of its own. Default: no limit
   * @throws KvsError `answer_too_large`
   */
  fetch(keys: readonly Key[], maxBytes?: number): MaybePromise<readonly FetchOutcome[]>;
  /** Says which keys are present. */
  query(keys: readonly Key[]): MaybePromise<readonly QueryOutcome[]>;
  /** Deletes pairs. */
  delete(items: readonly DeleteItem[]): MaybePromise<readonly DeleteOutcome[]>;
  /**
   * Lists pairs.
   *
   * @throws KvsError `node_unavailable` if a node is away and `partial` is not set
   */
  scan(request: ScanRequest & { readonly partial: boolean }): Promise<ScanAnswer>;
}
