import type { KeyId, MaybePromise, PairFormat, Value } from '@kvs/protocol';

/**
 * What holds the pairs. `KvStore` is its only caller in production, and checks every argument before: keys and
 * values are valid and canonical, partitions are whole numbers from 0 to 4,095, `ifVersion` is a safe integer
 * of at least 0, `expiresAtMs` a safe integer. An engine may trust that.
 *
 * **Answers.** Each method may answer at once or by promise, whichever is natural; callers await only promises
 * (native ones). Outcomes come in the order of the items, exactly one for each.
 *
 * **Ownership.** Arguments, and the arrays that hold them, are the caller's: an engine may keep the strings in
 * them, but not the objects. Answers are the caller's from then on: an engine neither changes nor reuses them, but for the
 * pieces of `scanJson`.
 *
 * **Atomicity and order.** A batch is applied item by item in the order given, duplicates included, each item
 * atomically, its condition, version and expiry with it; a batch as a whole is not atomic. Calls that are made
 * while others are under way may interleave between items, never within one. A write that was answered is seen
 * by every call made afterwards.
 *
 * **Time.** The time is that of the clock the engine was made with, and no other. A pair is absent to every
 * operation from the millisecond at which it expires (`isExpired`), whether or not its memory was reclaimed;
 * its value is never seen again while the clock stays past that moment.
 *
 * **Versions.** A write gets `nextVersion(previous, now)`: more than any version that the key ever had, and at
 * least the time in microseconds. It never repeats for the key, also when a delete, an expiry or an eviction
 * lies between or the clock was set back; so an engine remembers, for instance per partition, the highest
 * version that left it. A durable engine keeps that promise across restarts. An absent pair has version 0, and
 * every condition is `conditionHolds(ifVersion, version)`.
 *
 * **Errors.** What concerns one item is its outcome. A method throws, or rejects, only when it did nothing at
 * all: with `KvsError` of code `engine_unavailable` when the store behind cannot be reached and after
 * {@link close}, or `answer_too_large`. Where it is not known whether a write was applied, its outcome is `unavailable` with
 * `maybeApplied`.
 *
 * `describeStorageEngine` of `@kvs/kv-store/testing` tests an engine for all of this.
 */
export interface StorageEngine {
  /** Short and stable, such as `memory`; for logs and status pages. */
  readonly name: string;

  readonly capabilities: EngineCapabilities;

  /**
   * The pairs of these keys. Never changes what other calls see, though expired pairs may be reclaimed.
   *
   * Throws, or rejects with, `answer_too_large` when the values come to more than `maxBytes` (default: no limit), a key
   * that is asked for twice counting twice. That is decided while reading: however large the values, an engine holds
   * little more than so many bytes of them. It may count by `leastBytes` of `@kvs/protocol`.
   */
  getMany(keys: readonly EngineKey[], maxBytes?: number): MaybePromise<readonly EngineReadOutcome[]>;

  /** Whether these keys are present: as {@link getMany}, without the cost of moving values. */
  hasMany(keys: readonly EngineKey[]): MaybePromise<readonly EnginePresenceOutcome[]>;

  /**
   * Writes pairs. One whose `expiresAtMs` has already come is written all the same, gets its version, and is
   * absent. A write replaces the pair's value and expiry whole. A write that was refused changes nothing.
   */
  setMany(writes: readonly EngineWrite[]): MaybePromise<readonly EngineWriteOutcome[]>;

  /** Removes pairs. Must work when the store is full. */
  deleteMany(deletes: readonly EngineDelete[]): MaybePromise<readonly EngineDeleteOutcome[]>;

  /**
   * The pairs of these partitions (ascending, each at most once) in chunks: all of a partition's chunks, then
   * the next partition's. A chunk is of one partition and is never empty; it ends with the pair at which it
   * reaches {@link SCAN_CHUNK_PAIRS} or {@link SCAN_CHUNK_UNITS}, so that a scan takes constant memory. Order
   * within a partition is the engine's own.
   *
   * A pair that is there from the first step to the last comes exactly once, whatever else is written
   * meanwhile, with a value that it had in that time. A pair that comes or goes meanwhile may come or not. No
   * key comes twice, not even one deleted and set anew.
   *
   * Nothing is read before the first step. The caller may take its time between steps, may stop early (what
   * is held is let go in `return()`), and may write, also to what is being scanned. Scans are independent of
   * each other. An engine lets the event loop turn now and then, also where nothing matches.
   *
   * A step rejects with `engine_unavailable` when the scan cannot be completed, also when the engine is closed
   * meanwhile: a scan that ends was complete.
   */
  scan(partitions: readonly number[], options?: EngineScanOptions): AsyncIterable<EngineChunk>;

  /**
   * As {@link scan}, with the pairs as JSON text: byte for byte what `JSON.stringify` makes of each as a `WirePair`,
   * written as `options.format` says. Left out by an engine that could do no better than the store, which makes the
   * text from {@link scan} then; to have the method is to say that it can.
   *
   * A piece has about 64 KiB, never 0 bytes, and may end anywhere in a pair; it may hold pairs of several partitions.
   * It is the caller's until the next step, which may use its memory again.
   * However large a value, what is made in one turn of the event loop is little more than a piece. A time to live is
   * what was left when the pair was read.
   */
  scanJson?(partitions: readonly number[], options: EngineJsonScanOptions): AsyncIterable<Uint8Array>;

  stats(): MaybePromise<EngineStats>;

  /**
   * Returns why the engine cannot serve at this moment, in words for an operator; undefined if it can. Left out by an
   * engine that can always serve while it is open. Health checks call it, so it must answer soon.
   */
  obstacle?(): MaybePromise<string | undefined>;

  /**
   * Lets go of everything. Calls under way are finished first, scans excepted. Afterwards every operation
   * fails with `engine_unavailable`; closing again does nothing and answers as the first did.
   */
  close(): MaybePromise<void>;
}

/** What an engine can do beyond the contract. What is left out has the default. */
export interface EngineCapabilities {
  /** Pairs outlive the engine: one opened anew in the same place has them. Default false. */
  readonly durable?: boolean;
  /** Several engines, in other processes too, may work on the same pairs at the same time. Default false. */
  readonly shared?: boolean;
  /** A full engine drops other pairs to make room, rather than refuse the write. Default false. */
  readonly evicts?: boolean;
}

export function capabilitiesOf(engine: StorageEngine): Required<EngineCapabilities> {
  return { durable: false, shared: false, evicts: false, ...engine.capabilities };
}

/** A key where it lives. A key is always given with the same partition. */
export interface EngineKey {
  readonly id: KeyId;
  readonly partition: number;
}

export interface EngineWrite extends EngineKey {
  readonly value: Value;
  /** Milliseconds since the Unix epoch from which the pair is absent; undefined for a pair that stays. */
  readonly expiresAtMs: number | undefined;
  /** Write only if the version is this one, 0 meaning absent; undefined for an unconditional write. */
  readonly ifVersion: number | undefined;
}

export interface EngineDelete extends EngineKey {
  /** Delete only if the version is this one, 0 meaning absent; undefined for an unconditional delete. */
  readonly ifVersion: number | undefined;
}

export interface EngineEntry {
  readonly value: Value;
  readonly version: number;
  readonly expiresAtMs: number | undefined;
}

export interface EnginePair extends EngineEntry {
  readonly id: KeyId;
}

export interface EngineChunk {
  readonly partition: number;
  readonly pairs: readonly EnginePair[];
}

export interface EngineScanOptions {
  /** Only keys whose id starts with this: an encoding's tag, then the start of canonical data. */
  readonly idPrefix?: string;
}

export interface EngineJsonScanOptions extends EngineScanOptions {
  /** Whether each pair has its `version`, and its `ttl_ms` where it expires. */
  readonly meta: boolean;
  readonly format: PairFormat;
}

/** A chunk of a scan is full with this many pairs … */
export const SCAN_CHUNK_PAIRS = 1000;

/** … or when its ids and values come to this many UTF-16 units, whichever is first. */
export const SCAN_CHUNK_UNITS = 1024 * 1024;

export interface EngineStats {
  /** Pairs held. May count expired ones that are not reclaimed yet; a shared engine may estimate. */
  readonly pairCount: number;
  /** Partitions that hold at least one pair. */
  readonly partitionCount: number;
  /** Bytes taken, by the engine's own account; left out by an engine that keeps none. */
  readonly usedBytes?: number;
  /** The bytes at which the engine is full; left out where nothing limits it. */
  readonly maxBytes?: number;
  /** How many snapshots were written, and how many attempts failed; left out by an engine that writes none. */
  readonly snapshots?: { readonly written: number; readonly failed: number };
}

export type EngineReadOutcome =
  ({ readonly status: 'found' } & EngineEntry) | { readonly status: 'absent' } | EngineUnavailable;

export type EnginePresenceOutcome = { readonly status: 'present' | 'absent' } | EngineUnavailable;

export type EngineWriteOutcome =
  | {
      readonly status: 'written';
      readonly version: number;
      /** Whether the pair was absent before; an expired pair counts as absent. */
      readonly created: boolean;
    }
  | VersionMismatch
  | { readonly status: 'out_of_memory' }
  | EngineUnavailable;

export type EngineDeleteOutcome =
  { readonly status: 'deleted' | 'absent' } | VersionMismatch | EngineUnavailable;

export interface VersionMismatch {
  readonly status: 'version_mismatch';
  /** The pair's version when its condition was checked; 0 when it was absent. */
  readonly actualVersion: number;
}

/** The part of the store that has this item cannot be reached, while others can. */
export interface EngineUnavailable {
  readonly status: 'unavailable';
  readonly message: string;
  /** For a write or delete that may have been applied, its answer lost. Absent where it surely was not. */
  readonly maybeApplied?: true;
}
