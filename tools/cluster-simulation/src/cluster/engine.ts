import { MICROS_PER_MS, type Completeness, type EngineEntry } from '@kvs/kv-store';
import type { KeyId } from '@kvs/protocol';
import {
  START_POSITION,
  type ApplyResult,
  type Position,
  type WriteBatch,
  type WriteOutcomes,
} from '@kvs/replication';
import { EngineDouble, type StoredPartition } from '@kvs/replication/testing';
import type { Process } from '../world/process.js';
import type { Random } from '../world/random.js';

/** The events of an engine that checkers follow. */
export interface EngineObserver {
  /** A pair is deleted here, or may expire from now on. */
  removing(id: KeyId, version: number): void;
  /** All pairs of a partition are about to be deleted. */
  clearing(partition: number): void;
}

/** How an engine behaves at present. */
export interface EngineWeather {
  /** Whether calls take up to 0.5 s. */
  isSlow: boolean;
  /** Whether calls fail now and then. */
  isUnsteady: boolean;
}

export interface EngineOptions {
  /** Whether calls take time. */
  readonly isAsynchronous: boolean;
  /** Whether it evicts a pair now and then. */
  readonly evicts: boolean;
  /** A durable node keeps its partitions over restarts. */
  readonly stored: Map<number, StoredPartition>;
  readonly process: Process;
  readonly random: Random;
  readonly clock: { nowMs(): number };
  readonly weather: EngineWeather;
  readonly observer: EngineObserver;
}

/**
 * An engine in virtual time. It answers at once, as the engine in memory does, or after some time. In that time a crash
 * may come, before or after the change.
 */
export class SimulatedEngine extends EngineDouble {
  readonly evicts: boolean;
  readonly #isAsynchronous: boolean;
  readonly #process: Process;
  readonly #random: Random;
  readonly #clock: { nowMs(): number };
  readonly #weather: EngineWeather;
  readonly #observer: EngineObserver;

  constructor(options: EngineOptions) {
    super(options.stored);
    this.evicts = options.evicts;
    this.#isAsynchronous = options.isAsynchronous;
    this.#process = options.process;
    this.#random = options.random;
    this.#clock = options.clock;
    this.#weather = options.weather;
    this.#observer = options.observer;
  }

  /** A write that fails was perhaps done. */
  override write(
    partition: number,
    batch: WriteBatch,
    epoch: number,
    done: (outcomes: WriteOutcomes | undefined) => void,
  ): void {
    if (!this.#fails(0.02)) super.write(partition, batch, epoch, done);
    else if (this.#random.chance(0.5)) super.write(partition, batch, epoch, () => done(undefined));
    else this.call(() => undefined, done);
  }

  /** Reads pairs, which may take time. The pairs are those of one moment in that time. */
  readMany(
    partition: number,
    ids: readonly KeyId[],
    done: (entries: ReadonlyMap<KeyId, EngineEntry>) => void,
  ): void {
    this.call(() => {
      const found = new Map<KeyId, EngineEntry>();
      for (const id of ids) {
        const entry = this.read(partition, id);
        if (entry !== undefined) found.set(id, entry);
      }
      return found;
    }, done);
  }

  /** Removes some pairs first and then the rest. A failure may come before, or in between. */
  override clear(
    partition: number,
    position: Position,
    completeness: Completeness,
    done: (result: ApplyResult) => void,
  ): void {
    const result = this.result();
    if (result !== 'applied') return this.call(() => result, done);
    const begin = (): void => {
      this.#observer.clearing(partition);
      const stored = this.partition(partition);
      for (const id of [...stored.pairs.keys()].slice(0, stored.pairs.size / 2)) stored.pairs.delete(id);
      Object.assign(stored, { position: START_POSITION, isIncomplete: true });
    };
    this.call(begin, () => super.clear(partition, position, completeness, done));
  }

  /** Evicts a pair now and then to store another. */
  protected override put(stored: StoredPartition, id: KeyId, entry: EngineEntry | undefined): void {
    if (entry !== undefined && this.evicts && this.#random.chance(0.05)) {
      const evicted = this.#random.pick([...stored.pairs.keys()]);
      if (evicted !== undefined) this.put(stored, evicted, undefined);
    }
    const before = stored.pairs.get(id);
    if (entry === undefined && before !== undefined) this.#observer.removing(id, before.version);
    if (entry?.expiresAtMs !== undefined) this.#observer.removing(id, entry.version);
    super.put(stored, id, entry);
  }

  protected override nowMicros(): number {
    return this.#clock.nowMs() * MICROS_PER_MS;
  }

  protected result(): ApplyResult {
    if (!this.#fails(0.01)) return 'applied';
    return this.#random.chance(0.5) ? 'out_of_memory' : 'unavailable';
  }

  protected countApplied(count: number): number {
    return this.#random.below(count + 1);
  }

  /** Does the work at one moment of the call, and answers at its end. */
  protected call<T>(work: () => T, done: (result: T) => void): void {
    if (!this.#isAsynchronous && !this.#weather.isSlow) return done(work());
    this.#process.complete(this.#delayMs(), () => {
      const result = work();
      this.#process.complete(this.#delayMs(), () => done(result));
    });
  }

  #fails(probability: number): boolean {
    return this.#isAsynchronous && this.#weather.isUnsteady && this.#random.chance(probability);
  }

  #delayMs(): number {
    const random = this.#random;
    if (this.#weather.isSlow) return random.between(0, 250);
    return random.chance(this.#weather.isUnsteady ? 0.08 : 0) ? random.between(0, 200) : random.between(0, 2);
  }
}
