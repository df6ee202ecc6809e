import type { MaybePromise, PairFormat } from '@kvs/protocol';
import type { Clock } from '../clock.js';
import type {
  EngineChunk,
  EngineDelete,
  EngineDeleteOutcome,
  EngineKey,
  EnginePresenceOutcome,
  EngineReadOutcome,
  EngineWrite,
  EngineWriteOutcome,
} from './engine-data.js';
import type { EngineReplication } from './engine-replication.js';

/**
 * Stores the pairs. `KvStore` is its only caller in production. Keys and values are valid and canonical, because only the
 * functions and guards of `@kvs/protocol` make them. `KvStore` checks the rest: partitions are integers from 0 to 4,095,
 * `ifVersion` is a safe integer of at least 0, `expiresAtMs` a safe integer. An engine may rely on that.
 *
 * **Answers.** Each method may answer at once or by promise. Callers await only native promises. There is one outcome
 * for each item, in the order of the items.
 *
 * **Ownership.** Arguments belong to the caller: an engine may keep the strings in them, but neither objects nor
 * arrays. Answers belong to the caller too: an engine neither changes nor reuses them.
 *
 * **Atomicity and order.** Items of one key are applied in the given order; those of other keys may be applied earlier or
 * later. Each item is atomic, with its condition, version and expiry; a batch is not. Calls in flight at the same time may interleave
 * between items, never within one. Every call sees the writes that were answered before it.
 *
 * **Time.** An engine uses only the clock that it was created with. A pair is absent to every operation from the
 * millisecond at which it expires (`isExpired`), whether or not its memory was reclaimed. Its value is never seen
 * again while the clock stays past that moment.
 *
 * **Versions.** A write gets `nextVersion(previous, now)`: more than any version that the key ever had, and at least
 * the time in microseconds. A version never repeats for a key, not even after a delete, an expiry, an eviction, or
 * when the clock was set back. So an engine remembers, for example, the highest version that each partition had. A
 * durable engine keeps this promise across restarts. An absent pair has version 0, and every condition is
 * `conditionHolds(ifVersion, version)`.
 *
 * **Errors.** A failure that concerns one item is its outcome. A method throws or rejects only if it did nothing at
 * all: with `KvsError` of code `engine_unavailable` if the store behind it cannot be reached and after {@link close},
 * `not_ready` if it is still opening, or `answer_too_large`. If it is not known whether a write was applied, its
 * outcome is `unavailable` with `maybeApplied`.
 *
 * `describeStorageEngine` of `@kvs/kv-store/testing` tests all of this.
 */
export interface StorageEngine {
  /** A short and stable name, such as `memory`, for logs and status pages. */
  readonly name: string;

  readonly capabilities: EngineCapabilities;

  /** Lets copies of a partition follow its changes. An engine has this only if it keeps positions. */
  readonly replication?: EngineReplication | undefined;

  /**
   * Returns the pairs of these keys. It never changes what other calls see, though it may reclaim expired pairs.
   *
   * Throws, or rejects with, `answer_too_large` if the values have more than `maxBytes` together (default: no limit).
   * A repeated key counts each time. An engine checks this while it reads, so it never has much more than that
   * in memory. It may count by `leastBytes` of `@kvs/protocol`.
   */
  getMany(keys: readonly EngineKey[], maxBytes?: number): MaybePromise<readonly EngineReadOutcome[]>;

  /** Returns whether these keys are present, without reading values. */
  hasMany(keys: readonly EngineKey[]): MaybePromise<readonly EnginePresenceOutcome[]>;

  /**
   * Writes pairs. A write replaces the value and the expiry of its pair. If its `expiresAtMs` has passed already, it
   * gets a version all the same, and the pair is absent. A refused write changes nothing.
   */
  setMany(writes: readonly EngineWrite[]): MaybePromise<readonly EngineWriteOutcome[]>;

  /** Deletes pairs. Must work when the store is full. */
  deleteMany(deletes: readonly EngineDelete[]): MaybePromise<readonly EngineDeleteOutcome[]>;

  /**
   * Yields the pairs of these partitions (ascending, each at most once) in chunks: all chunks of a partition, then
   * those of the next. A chunk has pairs of one partition. It ends with the pair at which it reaches
   * {@link SCAN_CHUNK_PAIRS} or {@link SCAN_CHUNK_UNITS}, so that a scan takes constant memory. The order within a
   * partition is up to the engine.
   *
   * A pair that is present from the first step to the last comes exactly once, whatever else is written, with a value
   * that it had in that time. A pair that is added or removed during the scan may come or not. No key comes twice,
   * not even one that was deleted and set again.
   *
   * Nothing is read before the first step. The caller may wait between steps, may stop early (`return()` releases
   * what the scan holds), and may write, also to the scanned partitions. Scans are independent of each other. An
   * engine lets the event loop turn every few milliseconds. If it finds no pair for that long, it yields an empty chunk:
   * the caller sees that the scan goes on, and can stop it.
   *
   * A step rejects with `engine_unavailable` if the scan cannot be completed, for example because the engine is
   * closed. So a scan that ends was complete.
   */
  scan(partitions: readonly number[], options?: EngineScanOptions): AsyncIterable<EngineChunk>;

  /**
   * As {@link scan}, but yields JSON text: each pair byte for byte as `JSON.stringify` writes it as a `WirePair`, in
   * the format of the options, and without `value` if the values are not wanted. An engine has this method only if it is
   * faster than the store, which otherwise makes the text from {@link scan}.
   *
   * A chunk has about 64 KiB. It may end anywhere in a pair and may have pairs of several partitions. In one turn of the
   * event loop, an engine makes little more than a chunk, however large a value is. If it has to look for so long that the
   * event loop must turn before the chunk is full, it yields 0 bytes. A time to live is the one when the pair was read.
   */
  scanJson?(partitions: readonly number[], options: EngineJsonScanOptions): AsyncIterable<Uint8Array>;

  stats(): MaybePromise<EngineStats>;

  /**
   * Returns the id of the pairs that several engines use at the same time: the same for all of them, and another one for other
   * pairs. If the pairs have no id yet, they get the proposed one. Only an engine with the capability `shared` has this method.
   */
  sharedStoreId?(proposed: string): Promise<string>;

  /**
   * Returns why the engine cannot serve now, in words for an operator; undefined if it can serve. An engine that can
   * always serve while it is open leaves this out. Health checks call it, so it must answer soon.
   */
  obstacle?(): MaybePromise<string | undefined>;

  /**
   * Closes the engine. It finishes the calls in flight first, except scans. Afterwards every operation fails with
   * `engine_unavailable`. Closing again does nothing and returns the first answer.
   */
  close(): MaybePromise<void>;
}

/** Opens an engine. The package of an engine exports a function that turns settings into such a factory. */
export type EngineFactory = (options: EngineFactoryOptions) => MaybePromise<StorageEngine>;

/** The parts that an engine gets when it is opened. */
export interface EngineFactoryOptions {
  /** The only source of time of the engine. */
  readonly clock: Clock;
}

/** The abilities of an engine beyond the contract. */
export interface EngineCapabilities {
  /** Pairs outlive the engine: a new engine with the same data has them. Default false. */
  readonly durable?: boolean;
  /** Several engines, also in other processes, may use the same pairs at the same time. Default false. */
  readonly shared?: boolean;
  /** A full engine evicts pairs rather than refuse a write. Default false. */
  readonly evicts?: boolean;
}

/** Returns the capabilities of an engine, with the defaults filled in. */
export function capabilitiesOf(engine: StorageEngine): Required<EngineCapabilities> {
  return { durable: false, shared: false, evicts: false, ...engine.capabilities };
}

/** Which pairs of the partitions to scan. */
export interface EngineScanOptions {
  /** Only keys whose id starts with this: the tag of an encoding, then the start of canonical data. */
  readonly idPrefix?: string;
  /** Whether the caller uses the values. Default: true. If not, an engine may give empty ones, and need not read them. */
  readonly values?: boolean;
}

/** Which pairs of the partitions to scan, and how to write them. */
export interface EngineJsonScanOptions extends EngineScanOptions {
  /** Whether each pair has its `version`, and its `ttl_ms` if it expires. */
  readonly meta: boolean;
  readonly format: PairFormat;
}

/** A chunk of a scan is full with this many pairs … */
export const SCAN_CHUNK_PAIRS = 1000;

/** … or when its ids and values come to this many UTF-16 units, whichever is first. */
export const SCAN_CHUNK_UNITS = 1024 * 1024;

/** The counts of an engine. */
export interface EngineStats {
  /**
   * How many pairs the engine has. May include expired pairs that are not reclaimed yet; a shared engine may
   * estimate.
   */
  readonly pairCount: number;
  /** How many partitions have at least one pair. */
  readonly partitionCount: number;
  /** Bytes in use, as the engine counts them; left out if it does not count. */
  readonly usedBytes?: number;
  /** The bytes at which the engine is full; left out if it has no limit. */
  readonly maxBytes?: number;
  /** How many snapshots were written, and how many failed; left out if the engine writes none. */
  readonly snapshots?: { readonly written: number; readonly failed: number };
}
