import {
  conditionHolds,
  isExpired,
  MICROS_PER_MS,
  nextVersion,
  type EngineDelete,
  type EngineDeleteOutcome,
  type EngineEntry,
  type EnginePair,
  type EngineWrite,
  type EngineWriteOutcome,
} from '@kvs/kv-store';
import type { KeyId } from '@kvs/protocol';
import {
  START_POSITION,
  type ApplyResult,
  type Effect,
  type FillScan,
  type Position,
  type ReplicaEngine,
  type WriteBatch,
  type WriteOutcomes,
} from '@kvs/replication';
import type { Process } from '../world/process.js';
import type { Random } from '../world/random.js';

/** The pairs and the state of one partition. A durable node keeps them over restarts. */
export interface StoredPartition {
  readonly pairs: Map<KeyId, EngineEntry>;
  position: Position;
  highestVersion: number;
  /** Whether a fill of the partition began and did not end. */
  isIncomplete: boolean;
}

/** The events of an engine that checkers follow. */
export interface EngineObserver {
  /** A pair is deleted here, or may expire from now on. */
  removing(id: KeyId, version: number): void;
  /** All pairs of a partition are about to be deleted. */
  resetting(partition: number): void;
}

/** How an engine behaves at present. */
export interface EngineWeather {
  /** Whether calls take up to 0.5 s. */
  isSlow: boolean;
  /** Whether calls fail now and then. */
  isUnsteady: boolean;
}

/**
 * An engine in virtual time. It answers at once, as the engine in memory does, or after some time. In that time a crash
 * may come, before or after the change.
 */
export class SimulatedEngine implements ReplicaEngine {
  /** The version of the pair that a deletion deleted, by its outcome. */
  readonly removedVersions = new WeakMap<EngineDeleteOutcome, number>();
  readonly #stored: Map<number, StoredPartition>;
  readonly #process: Process;
  readonly #random: Random;
  readonly #clock: { nowMs(): number };
  readonly #weather: EngineWeather;
  readonly #observer: EngineObserver;

  constructor(
    readonly isDurable: boolean,
    /** Whether calls take time. */
    private readonly isAsynchronous: boolean,
    /** Whether it evicts a pair now and then. */
    readonly evicts: boolean,
    stored: Map<number, StoredPartition>,
    process: Process,
    random: Random,
    clock: { nowMs(): number },
    weather: EngineWeather,
    observer: EngineObserver,
  ) {
    this.#stored = stored;
    this.#process = process;
    this.#random = random;
    this.#clock = clock;
    this.#weather = weather;
    this.#observer = observer;
  }

  isFull(): boolean {
    return false;
  }

  heldPartitions(): readonly number[] {
    return [...this.#stored].flatMap(([partition, { pairs, position, isIncomplete }]) =>
      !isIncomplete && (pairs.size > 0 || position.number > 0) ? [partition] : [],
    );
  }

  incompletePartitions(): readonly number[] {
    return [...this.#stored].flatMap(([partition, { isIncomplete }]) => (isIncomplete ? [partition] : []));
  }

  position(partition: number): Position {
    return this.#partition(partition).position;
  }

  highestVersion(partition: number): number {
    return this.#partition(partition).highestVersion;
  }

  write(
    partition: number,
    batch: WriteBatch,
    epoch: number,
    done: (outcomes: WriteOutcomes | undefined) => void,
  ): void {
    const isUnknown = this.#fails(0.02);
    const isDone = !isUnknown || this.#random.chance(0.5);
    this.#call(
      () => (isDone ? this.#write(partition, batch, epoch) : undefined),
      (outcomes) => done(isUnknown ? undefined : outcomes),
    );
  }

  apply(
    partition: number,
    effects: readonly Effect[],
    highestVersion: number,
    done: (result: ApplyResult) => void,
  ): void {
    const result = this.#applyResult();
    const count = result === 'applied' ? effects.length : this.#random.below(effects.length + 1);
    this.#call(() => {
      const stored = this.#partition(partition);
      this.#evictSometimes(stored);
      stored.highestVersion = Math.max(stored.highestVersion, highestVersion);
      for (const { id, entry, position } of effects.slice(0, count)) {
        this.#put(stored, id, entry);
        stored.position = position;
      }
      return result;
    }, done);
  }

  fill(partition: number, pairs: readonly EnginePair[], done: (result: ApplyResult) => void): void {
    const result = this.#applyResult();
    this.#call(() => {
      const stored = this.#partition(partition);
      this.#evictSometimes(stored);
      if (result === 'applied') for (const { id, ...entry } of pairs) this.#put(stored, id, entry);
      return result;
    }, done);
  }

  reset(partition: number, position: Position, done: (result: ApplyResult) => void): void {
    this.#clear(partition, position, false, done);
  }

  beginFill(partition: number, position: Position, done: (result: ApplyResult) => void): void {
    this.#clear(partition, position, true, done);
  }

  endFill(partition: number, done: (result: ApplyResult) => void): void {
    const result = this.#applyResult();
    this.#call(() => {
      if (result === 'applied') this.#partition(partition).isIncomplete = false;
      return result;
    }, done);
  }

  raiseFloor(partition: number, version: number, done: (result: ApplyResult) => void): void {
    const result = this.#applyResult();
    this.#call(() => {
      const stored = this.#partition(partition);
      if (result === 'applied') stored.highestVersion = Math.max(stored.highestVersion, version);
      return result;
    }, done);
  }

  scan(partition: number): FillScan {
    const ids = [...this.#partition(partition).pairs.keys()];
    let isClosed = false;
    return {
      next: (done) => {
        const id = ids.shift();
        if (id === undefined) return this.#call(() => 'end' as const, done);
        const fails = this.#fails(0.01);
        this.#call(() => {
          const entry = this.read(partition, id);
          if (isClosed || fails) return 'failed';
          return entry === undefined ? [] : [{ id, ...entry }];
        }, done);
      },
      close: () => (isClosed = true),
    };
  }

  /** Returns a pair as clients see it. */
  read(partition: number, id: KeyId): EngineEntry | undefined {
    const entry = this.#partition(partition).pairs.get(id);
    return isExpired(entry?.expiresAtMs, this.#nowMicros()) ? undefined : entry;
  }

  /** Reads pairs, which may take time. The pairs are those of one moment in that time. */
  readMany(
    partition: number,
    ids: readonly KeyId[],
    done: (entries: ReadonlyMap<KeyId, EngineEntry>) => void,
  ): void {
    this.#call(() => {
      const found = new Map<KeyId, EngineEntry>();
      for (const id of ids) {
        const entry = this.read(partition, id);
        if (entry !== undefined) found.set(id, entry);
      }
      return found;
    }, done);
  }

  /** Returns what is stored of a pair, expired or not. */
  stored(partition: number, id: KeyId): EngineEntry | undefined {
    return this.#stored.get(partition)?.pairs.get(id);
  }

  /** Removes some pairs first and then the rest. A failure may come before, or in between. */
  #clear(
    partition: number,
    position: Position,
    isIncomplete: boolean,
    done: (result: ApplyResult) => void,
  ): void {
    const result = this.#applyResult();
    if (result !== 'applied' && this.#random.chance(0.5)) return this.#call(() => result, done);
    const stored = this.#partition(partition);
    const first = (): void => {
      this.#observer.resetting(partition);
      for (const id of [...stored.pairs.keys()].slice(0, stored.pairs.size / 2)) stored.pairs.delete(id);
      Object.assign(stored, { position: START_POSITION, isIncomplete: true });
    };
    const rest = (): ApplyResult => {
      if (result !== 'applied') return result;
      stored.pairs.clear();
      Object.assign(stored, { position, isIncomplete });
      return result;
    };
    this.#call(first, () => this.#call(rest, done));
  }

  #write(partition: number, batch: WriteBatch, epoch: number): WriteOutcomes {
    const stored = this.#partition(partition);
    this.#evictSometimes(stored);
    const moved = () => {
      stored.position = { epoch, number: stored.position.number + 1 };
    };
    return batch.kind === 'set'
      ? { kind: 'set', outcomes: batch.items.map((item) => this.#set(stored, item, moved)) }
      : { kind: 'delete', outcomes: batch.items.map((item) => this.#delete(stored, item, moved)) };
  }

  #set(stored: StoredPartition, item: EngineWrite, moved: () => void): EngineWriteOutcome {
    const { id, value, expiresAtMs, ifVersion, partition } = item;
    const before = this.read(partition, id);
    const actualVersion = before?.version ?? 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    const version = nextVersion(stored.highestVersion, this.#nowMicros());
    this.#put(stored, id, { value, version, expiresAtMs });
    moved();
    return { status: 'written', version, created: before === undefined };
  }

  #delete(stored: StoredPartition, item: EngineDelete, moved: () => void): EngineDeleteOutcome {
    const { id, ifVersion, partition } = item;
    const before = this.read(partition, id);
    const actualVersion = before?.version ?? 0;
    if (!conditionHolds(ifVersion, actualVersion)) return { status: 'version_mismatch', actualVersion };
    if (before === undefined) {
      if (this.evicts) moved();
      return { status: 'absent' };
    }
    this.#put(stored, id, undefined);
    moved();
    const outcome: EngineDeleteOutcome = { status: 'deleted' };
    this.removedVersions.set(outcome, before.version);
    return outcome;
  }

  #evictSometimes(stored: StoredPartition): void {
    const id =
      this.evicts && this.#random.chance(0.05) ? this.#random.pick([...stored.pairs.keys()]) : undefined;
    if (id !== undefined) this.#put(stored, id, undefined);
  }

  #put(stored: StoredPartition, id: KeyId, entry: EngineEntry | undefined): void {
    const before = stored.pairs.get(id);
    if (entry === undefined) {
      if (before !== undefined) this.#observer.removing(id, before.version);
      stored.pairs.delete(id);
      return;
    }
    stored.pairs.set(id, entry);
    stored.highestVersion = Math.max(stored.highestVersion, entry.version);
    if (entry.expiresAtMs !== undefined) this.#observer.removing(id, entry.version);
  }

  #partition(partition: number): StoredPartition {
    let stored = this.#stored.get(partition);
    if (stored === undefined) {
      stored = { pairs: new Map(), position: START_POSITION, highestVersion: 0, isIncomplete: false };
      this.#stored.set(partition, stored);
    }
    return stored;
  }

  #nowMicros(): number {
    return this.#clock.nowMs() * MICROS_PER_MS;
  }

  #applyResult(): ApplyResult {
    if (!this.#fails(0.01)) return 'applied';
    return this.#random.chance(0.5) ? 'out_of_memory' : 'unavailable';
  }

  #fails(probability: number): boolean {
    return this.isAsynchronous && this.#weather.isUnsteady && this.#random.chance(probability);
  }

  /** Does the work at one moment of the call, and answers at its end. */
  #call<T>(work: () => T, done: (result: T) => void): void {
    if (!this.isAsynchronous && !this.#weather.isSlow) return done(work());
    this.#process.complete(this.#delayMs(), () => {
      const result = work();
      this.#process.complete(this.#delayMs(), () => done(result));
    });
  }

  #delayMs(): number {
    const random = this.#random;
    if (this.#weather.isSlow) return random.between(0, 250);
    return random.chance(this.#weather.isUnsteady ? 0.08 : 0) ? random.between(0, 200) : random.between(0, 2);
  }
}
