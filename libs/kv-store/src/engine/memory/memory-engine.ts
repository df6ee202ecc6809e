import { setImmediate } from 'node:timers/promises';
import { KvsError, type MaybePromise } from '@kvs/protocol';
import type { Clock } from '../../clock.js';
import { readEach } from '../read-each.js';
import type {
  EngineChunk,
  EngineDelete,
  EngineDeleteOutcome,
  EnginePresenceOutcome,
  EngineReadOutcome,
  EngineWrite,
  EngineWriteOutcome,
  EngineKey,
} from '../engine-data.js';
import {
  SCAN_CHUNK_PAIRS,
  type EngineCapabilities,
  type EngineJsonScanOptions,
  type EngineScanOptions,
  type EngineStats,
  type StorageEngine,
} from '../storage-engine.js';
import { ExpirySweep } from './expiry-sweep.js';
import { randomHashKey } from './half-sip-hash.js';
import { JsonScan } from './json/json-scan.js';
import { completeOptions, type MemoryEngineOptions } from './memory-options.js';
import { MemoryReplication } from './memory-replication.js';
import { PairStore } from './pair-store.js';
import { scanPartition } from './partition-scan.js';
import { SnapshotKeeper } from './snapshot/snapshot-keeper.js';
import type { SnapshotOptions } from './snapshot/snapshot-options.js';

/**
 * Keeps the pairs in the memory of this process, outside of the JavaScript heap, and answers at once. It is bounded:
 * a full engine refuses writes or evicts. Its pairs are gone when it is closed, unless it was opened with a snapshot.
 */
export class MemoryEngine implements StorageEngine {
  readonly name = 'memory';
  /** The bytes at which the engine is full. */
  readonly maxMemoryBytes: number;
  readonly replication: MemoryReplication;

  readonly #clock: Clock;
  readonly #evicts: boolean;
  readonly #store: PairStore;
  readonly #sweep: ExpirySweep;
  #snapshots: SnapshotKeeper | undefined;
  /** Resolves when the snapshot is loaded; undefined if there is none. */
  #loading: Promise<SnapshotKeeper> | undefined;
  #closing: MaybePromise<void> = undefined;
  #isClosed = false;
  /** Why every operation is refused, if it is. */
  #refusal: KvsError | undefined;

  constructor(options: MemoryEngineOptions) {
    const { clock, scheduler, maxMemoryBytes, eviction } = completeOptions(options);
    this.#clock = clock;
    this.#store = new PairStore(maxMemoryBytes, eviction, randomHashKey());
    this.#sweep = new ExpirySweep(this.#store, clock, scheduler);
    this.#store.sweep = this.#sweep;
    this.maxMemoryBytes = maxMemoryBytes;
    this.#evicts = eviction !== 'none';
    this.replication = new MemoryReplication({
      store: this.#store,
      clock,
      evicts: this.#evicts,
      assertOpen: () => this.#assertOpen(),
    });
  }

  /**
   * Opens an engine with the pairs of a snapshot. The engine writes the snapshot again at intervals and when it is
   * closed.
   * @throws SnapshotError if the snapshot is damaged, incompatible, or larger than the engine may be
   * @throws KvsError `engine_unavailable` if the directory is in use
   */
  static async open(options: SnapshotEngineOptions): Promise<MemoryEngine> {
    return MemoryEngine.opening(options).opened;
  }

  /**
   * As {@link open}, but returns the engine at once. Every operation fails with `not_ready` until `opened` resolves, and also if it
   * rejects. The engine may be closed meanwhile.
   */
  static opening(options: SnapshotEngineOptions): {
    readonly engine: MemoryEngine;
    readonly opened: Promise<MemoryEngine>;
  } {
    const complete = completeOptions(options);
    const engine = new MemoryEngine(complete);
    return { engine, opened: engine.#load(options.snapshot, complete) };
  }

  async #load(
    snapshot: SnapshotOptions,
    { clock, scheduler }: Required<MemoryEngineOptions>,
  ): Promise<MemoryEngine> {
    const notReady = new KvsError('not_ready', 'the memory engine is being opened');
    this.#refusal = notReady;
    const onLost = (error: KvsError): void => {
      this.#refusal = error;
      snapshot.log?.error(error.message);
      snapshot.onLost?.(error);
    };
    this.#loading = SnapshotKeeper.open(this.#store, { ...snapshot, onLost }, clock, scheduler);
    this.#snapshots = await this.#loading;
    // Otherwise the engine was closed meanwhile, or has lost its directory.
    if (this.#refusal === notReady) {
      this.#refusal = undefined;
      this.#sweep.wake();
    }
    return this;
  }

  /** The bytes that pairs take, with the tables that find them. */
  get usedBytes(): number {
    return this.#store.budget.usedBytes;
  }

  get capabilities(): Required<EngineCapabilities> {
    return { durable: this.#loading !== undefined, shared: false, evicts: this.#evicts };
  }

  getMany(keys: readonly EngineKey[], maxBytes = Infinity): readonly EngineReadOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return readEach(keys, maxBytes, (key) => this.#store.get(key, now) ?? ABSENT);
  }

  hasMany(keys: readonly EngineKey[]): readonly EnginePresenceOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return keys.map((key) => (this.#store.has(key, now) ? PRESENT : ABSENT));
  }

  setMany(writes: readonly EngineWrite[]): readonly EngineWriteOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return writes.map((write) => this.#store.write(write, now));
  }

  deleteMany(deletes: readonly EngineDelete[]): readonly EngineDeleteOutcome[] {
    this.#assertOpen();
    const now = this.#clock.nowMicros();
    return deletes.map((item) => this.#store.delete(item, now));
  }

  async *scan(
    partitions: readonly number[],
    { idPrefix = '' }: EngineScanOptions = {},
  ): AsyncGenerator<EngineChunk, void, undefined> {
    this.#assertOpen();
    const pace = new ScanPace();
    for (const number of partitions) {
      const partition = this.#store.partition(number);
      if (partition === undefined) continue;
      for (const pairs of scanPartition(this.#store, partition, idPrefix, this.#clock)) {
        const isTurnDue = pace.passed(partition.pairCount);
        if (pairs.length > 0 || isTurnDue) yield { partition: number, pairs };
        if (isTurnDue) await setImmediate();
        this.#assertOpen();
      }
    }
  }

  async *scanJson(
    partitions: readonly number[],
    options: EngineJsonScanOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#assertOpen();
    for (const chunk of new JsonScan(this.#store, this.#clock, options).chunks(partitions)) {
      yield chunk;
      await setImmediate();
      this.#assertOpen();
    }
  }

  /** Returns the reason if another process has taken the directory of the snapshot. The engine then serves no more. */
  obstacle(): string | undefined {
    return this.#refusal?.message;
  }

  stats(): EngineStats {
    this.#assertOpen();
    const { pairCount } = this.#store;
    let partitionCount = 0;
    for (const partition of this.#store.partitions()) partitionCount += partition.pairCount > 0 ? 1 : 0;
    const { usedBytes, maxBytes } = this.#store.budget;
    const snapshots = this.#snapshots && { ...this.#snapshots.counts };
    return { pairCount, partitionCount, usedBytes, maxBytes, ...(snapshots && { snapshots }) };
  }

  /**
   * With a snapshot, returns a promise that resolves when the snapshot is written, and rejects with SnapshotError if
   * that fails. A snapshot that is being loaded is loaded first.
   */
  close(): MaybePromise<void> {
    if (this.#isClosed) return this.#closing;
    this.#isClosed = true;
    this.#refusal = new KvsError('engine_unavailable', 'the memory engine is closed');
    this.#sweep.stop();
    this.#closing = this.#loading ? this.#closeSnapshots(this.#loading) : this.#store.clear();
    return this.#closing;
  }

  async #closeSnapshots(loading: Promise<SnapshotKeeper>): Promise<void> {
    try {
      // The caller of `opening` has the reason if the snapshot can't be loaded.
      const snapshots = await loading.catch(() => undefined);
      await snapshots?.close();
    } finally {
      this.#store.clear();
    }
  }

  #assertOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }
}

type SnapshotEngineOptions = MemoryEngineOptions & { readonly snapshot: SnapshotOptions };

const ABSENT = Object.freeze({ status: 'absent' });
const PRESENT = Object.freeze({ status: 'present' });

/** Tells when other work must run, because a scan of memory never waits by itself. */
class ScanPace {
  #pairsSinceTurn = 0;

  /** Notes a step through a partition of `pairCount` pairs. Returns whether the event loop must turn. */
  passed(pairCount: number): boolean {
    this.#pairsSinceTurn += pairCount;
    if (this.#pairsSinceTurn < SCAN_CHUNK_PAIRS) return false;
    this.#pairsSinceTurn = 0;
    return true;
  }
}
