import { setImmediate as turn } from 'node:timers/promises';
import {
  readEach,
  systemClock,
  type Clock,
  type EngineChunk,
  type EngineDelete,
  type EngineDeleteOutcome,
  type EngineFactory,
  type EngineFactoryOptions,
  type EnginePresenceOutcome,
  type EngineReadOutcome,
  type EngineScanOptions,
  type EngineStats,
  type EngineWrite,
  type EngineWriteOutcome,
  type EngineKey,
  type StorageEngine,
} from '@kvs/kv-store';
import { KvsError, systemTimers } from '@kvs/protocol';
import { DataDirectory } from './data-directory.js';
import { machineStart } from './data-identity.js';
import { Environment } from './environment.js';
import { itemFailure, unavailable, writeFailure } from './failures.js';
import { GroupCommit } from './group-commit.js';
import type { LmdbEngineOptions } from './lmdb-engine-options.js';
import { LmdbReplication } from './lmdb-replication.js';
import { PairTable, writtenBytes } from './pair-table.js';
import { PartitionReader } from './partition-reader.js';

/** Returns a factory for `KvStoreModule.forRoot({ engine: lmdbEngine({ directory }) })`. */
export function lmdbEngine(options: LmdbEngineOptions): EngineFactory {
  return ({ clock }) => LmdbEngine.open({ ...options, clock });
}

/**
 * Keeps the pairs on disk, in LMDB. Reads answer at once, and writes when they are as durable as the options require.
 */
export class LmdbEngine implements StorageEngine {
  readonly name = 'lmdb';
  readonly capabilities = Object.freeze({ durable: true, shared: false });
  readonly replication: LmdbReplication;

  readonly #clock: Clock;
  readonly #directory: DataDirectory;
  readonly #environment: Environment;
  readonly #table: PairTable;
  readonly #commits: GroupCommit;
  readonly #sweepTimer: NodeJS.Timeout | undefined;
  readonly #checkTimer: NodeJS.Timeout;
  #isSweeping = false;
  /** Why the engine can't even read, as of the last check. */
  #readObstacle: string | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    directory: DataDirectory,
    environment: Environment,
    {
      clock,
      sweepIntervalMs = 1000,
      durability = 'commit',
      machine = machineStart(),
    }: LmdbEngineOptions & EngineFactoryOptions,
  ) {
    this.#clock = clock;
    this.#directory = directory;
    this.#environment = environment;
    this.#table = new PairTable(environment, clock);
    // Checked before each commit, so that no write is acknowledged that went into a deleted file.
    this.#commits = new GroupCommit({
      assertUsable: () => assertNone(this.obstacle()),
      room: (wantedBytes) => environment.room(wantedBytes),
      transact: (apply) => environment.transact(apply),
    });
    const { closedText } = directory;
    this.replication = new LmdbReplication(
      environment,
      this.#table,
      { durability, machine, closedText },
      {
        read: (read) => this.#read(read),
        change: (items, apply, refuse, roomBytes) => this.#change(items, apply, refuse, roomBytes),
      },
    );
    // For reads, which do not check themselves.
    this.#checkTimer = setInterval(() => this.obstacle(), CHECK_INTERVAL_MS).unref();
    if (sweepIntervalMs > 0) {
      this.#sweepTimer = setInterval(() => void this.#sweep(), sweepIntervalMs).unref();
    }
  }

  /**
   * Opens the pairs of a directory and locks it until the engine is closed. If the previous engine was not closed,
   * this takes some seconds: see `DirectoryLock` of `@kvs/kv-store`.
   * @throws KvsError `engine_unavailable`: the directory is in use, of another format or partition function, or
   * corrupt
   */
  static async open(options: LmdbEngineOptions & EngineFactoryOptions): Promise<LmdbEngine> {
    const { directory: path, durability = 'commit', mapSizeBytes } = options;
    const { scheduler = systemTimers, lockClock = systemClock, onLost = () => undefined } = options;
    const directory = await DataDirectory.claim(path, { clock: lockClock, scheduler, onLost });
    let environment: Environment | undefined;
    try {
      environment = new Environment(path, durability, mapSizeBytes);
      await directory.withdrawClosed();
      return new LmdbEngine(directory, environment, options);
    } catch (error) {
      await environment?.close();
      await directory.release();
      throw unavailable(`the data in ${path} cannot be opened`, error);
    }
  }

  getMany(keys: readonly EngineKey[], maxBytes = Infinity): readonly EngineReadOutcome[] {
    return this.#read(() =>
      readEach(keys, maxBytes, (key) => {
        const entry = this.#table.get(key);
        return entry === undefined ? ABSENT : { status: 'found', ...entry };
      }),
    );
  }

  hasMany(keys: readonly EngineKey[]): readonly EnginePresenceOutcome[] {
    return this.#read(() => keys.map((key) => (this.#table.has(key) ? PRESENT : ABSENT)));
  }

  setMany(writes: readonly EngineWrite[]): Promise<readonly EngineWriteOutcome[]> {
    return this.#change(
      writes,
      (write): EngineWriteOutcome => {
        this.replication.forgetIdentity();
        return this.#table.write(write);
      },
      writeFailure,
      writtenBytes,
    );
  }

  deleteMany(deletes: readonly EngineDelete[]): Promise<readonly EngineDeleteOutcome[]> {
    return this.#change(
      deletes,
      (item): EngineDeleteOutcome => {
        this.replication.forgetIdentity();
        return this.#table.delete(item);
      },
      itemFailure,
    );
  }

  async *scan(
    partitions: readonly number[],
    { idPrefix = '', values = true }: EngineScanOptions = {},
  ): AsyncGenerator<EngineChunk, void, undefined> {
    this.#assertOpen();
    for (const [index, partition] of partitions.entries()) {
      const reader = new PartitionReader(this.#environment.pairs, partition, idPrefix, values);
      while (!reader.isDone) {
        const pairs = this.#read(() => reader.nextChunk(this.#clock.nowMicros()));
        const isTurnDue = !reader.isDone || index % PARTITIONS_PER_TURN === 0;
        if (pairs.length > 0 || isTurnDue) yield { partition, pairs };
        if (isTurnDue) await turn();
        this.#assertOpen();
      }
    }
  }

  /**
   * Checks whether the data file is in its place. While it is not, and if another process has taken the directory,
   * every operation is refused. While the lock of the directory cannot be read, only changes are.
   */
  obstacle(): string | undefined {
    // First, because it may find out that another process has taken the directory.
    const lockObstacle = this.#directory.obstacle();
    this.#readObstacle = this.#directory.loss?.message ?? this.#environment.obstacle();
    return this.#readObstacle ?? lockObstacle;
  }

  stats(): EngineStats {
    return this.#read(() => this.#environment.stats());
  }

  /**
   * Removes expired pairs, a bounded number in each turn of the event loop, until none is left. The engine also does
   * this every `sweepIntervalMs`. Does nothing before a node of a cluster has joined: its clock may not be that of the cluster yet, by
   * which pairs of a copy expire.
   */
  async reclaimExpired(): Promise<void> {
    if (!this.replication.isStarted && this.replication.hasIdentity) return;
    for (let found = SWEEP_PAIRS; found === SWEEP_PAIRS && this.#closing === undefined;) {
      const expired = this.#read(() => this.#table.expired(SWEEP_PAIRS));
      found = expired.length;
      const outcomes = await this.#change(
        expired,
        (deadline) => this.#table.reclaim(deadline),
        (error) => itemFailure(error),
      );
      if (outcomes.some((outcome) => outcome !== undefined)) return; // the next sweep tries again
    }
  }

  /** Writes everything to the disk, whatever the durability, and marks the directory as closed in good order. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Does nothing while the last sweep still runs, because both would find the same pairs. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      await this.reclaimExpired();
    } catch {
      // Nobody waits for the sweep. The next read reports the problem.
    } finally {
      this.#isSweeping = false;
    }
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweepTimer);
    clearInterval(this.#checkTimer);
    this.#commits.flush();
    try {
      const closedText = await this.#closeEnvironment();
      if (this.obstacle() !== undefined) return;
      await this.#directory.syncDataFile();
      if (closedText !== undefined) await this.#directory.publishClosed(closedText);
    } finally {
      await this.#directory.release();
    }
  }

  /** Returns the text of the file `closed` that the directory may have then; undefined for no file. */
  async #closeEnvironment(): Promise<string | undefined> {
    try {
      return this.replication.closedText;
    } finally {
      // In any case, because the next owner of the directory must not find the file open.
      await this.#environment.close();
    }
  }

  async #change<Item, Outcome, Refusal>(
    items: readonly Item[],
    apply: (item: Item) => Outcome,
    refuse: (error: unknown) => Refusal,
    roomBytes: (item: Item) => number | undefined = () => undefined,
  ): Promise<readonly (Outcome | Refusal)[]> {
    this.#assertOpen();
    const outcomes: (Outcome | Refusal)[] = [];
    const steps = items.map((item, index) => ({
      roomBytes: roomBytes(item),
      apply: () => void (outcomes[index] = apply(item)),
      refuse: (error: unknown) => void (outcomes[index] = refuse(error)),
    }));
    try {
      await this.#commits.commit(steps);
    } catch (error) {
      throw this.#failureOf(error, 'changed');
    }
    return outcomes;
  }

  #read<T>(read: () => T): T {
    this.#assertOpen();
    try {
      return read();
    } catch (error) {
      throw this.#failureOf(error, 'read');
    }
  }

  #failureOf(error: unknown, action: 'read' | 'changed'): KvsError {
    if (error instanceof KvsError) return error;
    return unavailable(`the data in ${this.#directory.path} cannot be ${action}`, error);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw unavailable('the LMDB engine is closed');
    assertNone(this.#readObstacle);
  }
}

const ABSENT = Object.freeze({ status: 'absent' });
const PRESENT = Object.freeze({ status: 'present' });

/** How soon reads are refused after the data file was moved. Writes are refused at once. */
const CHECK_INTERVAL_MS = 500;

/** How many pairs a sweep removes in one turn of the event loop. */
const SWEEP_PAIRS = 200;

/** How many partitions with few pairs a scan reads in one turn of the event loop. */
const PARTITIONS_PER_TURN = 16;

function assertNone(obstacle: string | undefined): void {
  if (obstacle !== undefined) throw unavailable(obstacle);
}
