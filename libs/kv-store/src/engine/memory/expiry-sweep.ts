import { PARTITION_COUNT, type CancelTask, type Scheduler } from '@kvs/protocol';
import { microsToMs, type Clock } from '../../clock.js';
import { isExpired } from '../rules.js';
import type { MemoryPartition } from './memory-partition.js';
import { END_OF_HASHES } from './bucket-table.js';
import type { PairStore, Sweep } from './pair-store.js';

/**
 * Reclaims expired pairs that nobody reads, a few at a time, like the active expire cycle of Redis. It runs ten times
 * a second and takes small samples until nothing more is due or its time is up. If its time was up, it runs again
 * soon. It skips partitions in which nothing is due, and it does not run if no pair has a deadline.
 */
export class ExpirySweep implements Sweep {
  #cancel: CancelTask | undefined;
  #cursor: SweepCursor | undefined;
  #nextPartition = 0;
  /** No pair expires earlier, except in the partition of the present walk. */
  #nextDeadlineMs = -Infinity;

  readonly #store: PairStore;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;

  constructor(store: PairStore, clock: Clock, scheduler: Scheduler) {
    this.#store = store;
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  /**
   * Schedules the sweep. The store calls it when it writes a pair with a deadline, and the engine when it has loaded pairs with
   * unknown deadlines.
   */
  wake(expiresAtMs = -Infinity): void {
    this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, expiresAtMs);
    this.#cancel ??= this.#scheduler.after(IDLE_DELAY_MS, () => this.#run());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /**
   * Reclaims a few pairs at once. A write calls it when it finds no room. Costs almost nothing if no pair has expired.
   * @returns whether anything was reclaimed
   */
  reclaim(nowMicros: number, maxExamined: number): boolean {
    if (this.#cursor === undefined && microsToMs(nowMicros) < this.#nextDeadlineMs) return false;
    let removed = 0;
    for (let examined = 0; examined < maxExamined;) {
      const sample = this.#step(nowMicros);
      if (sample === undefined) break;
      examined += sample.examined;
      removed += sample.removed;
    }
    return removed > 0;
  }

  #run(): void {
    this.#cancel = undefined;
    const isDone = this.#sweep();
    if (!this.#hasDeadlines()) return;
    this.#cancel = this.#scheduler.after(isDone ? IDLE_DELAY_MS : BUSY_DELAY_MS, () => this.#run());
  }

  /** Returns whether nothing more is due; false if the time is up. */
  #sweep(): boolean {
    const startMicros = this.#clock.nowMicros();
    for (let examined = 0; examined < MAX_EXAMINED;) {
      const sample = this.#step(startMicros);
      if (sample === undefined) return true;
      examined += sample.examined;
      if (this.#clock.nowMicros() - startMicros > MAX_MICROS) return false;
    }
    return false;
  }

  /** Examines a few pairs; returns undefined if nothing is due. */
  #step(nowMicros: number): Sample | undefined {
    this.#cursor ??= this.#nextDue(nowMicros);
    const sample = this.#cursor?.step(SAMPLE, nowMicros);
    if (this.#cursor?.isAtEnd === true) this.#cursor = undefined;
    return sample;
  }

  /** Starts a walk of the next partition that may have an expired pair; returns undefined after a whole round. */
  #nextDue(nowMicros: number): SweepCursor | undefined {
    const nowMs = microsToMs(nowMicros);
    for (let i = 0; i < PARTITION_COUNT; i++) {
      const partition = this.#store.partition(this.#nextPartition);
      this.#nextPartition = (this.#nextPartition + 1) % PARTITION_COUNT;
      if (partition && partition.earliestDeadlineMs <= nowMs) return new SweepCursor(this.#store, partition);
    }
    this.#nextDeadlineMs = this.#earliestDeadline();
    return undefined;
  }

  #hasDeadlines(): boolean {
    return this.#cursor !== undefined || this.#earliestDeadline() < Infinity;
  }

  #earliestDeadline(): number {
    let earliest = Infinity;
    for (const { earliestDeadlineMs } of this.#store.partitions())
      earliest = Math.min(earliest, earliestDeadlineMs);
    return earliest;
  }
}

interface Sample {
  /** At least 1, so that a walk through empty partitions ends too. */
  readonly examined: number;
  readonly removed: number;
}

/** One walk through a partition, in as many steps as it needs. */
class SweepCursor {
  #hash = 0;
  #earliestDeadlineMs = Infinity;

  readonly #store: PairStore;
  readonly #partition: MemoryPartition;

  constructor(store: PairStore, partition: MemoryPartition) {
    this.#store = store;
    this.#partition = partition;
    // From now on, the deadline covers only what is written during the walk. At the end, the walk adds what it found.
    partition.earliestDeadlineMs = Infinity;
  }

  get isAtEnd(): boolean {
    return this.#hash === END_OF_HASHES;
  }

  step(sample: number, nowMicros: number): Sample {
    const partition = this.#partition;
    const countBefore = partition.pairCount;
    let examined = 0;
    while (examined < sample && this.#hash < END_OF_HASHES) {
      const { refs, nextHash } = partition.bucketFrom(this.#hash);
      examined += Math.max(refs.length, 1);
      const removedSlots = this.#removeExpired(refs, nowMicros);
      // Looks again after each removal, because it may move other records and the bounds of the bucket.
      if (removedSlots === 0) this.#hash = nextHash;
      // Removing a large record is as much work as removing many.
      else examined += removedSlots - 1;
    }
    if (this.isAtEnd)
      partition.earliestDeadlineMs = Math.min(partition.earliestDeadlineMs, this.#earliestDeadlineMs);
    return { examined: Math.max(examined, 1), removed: countBefore - partition.pairCount };
  }

  /** Removes the first expired record; returns about how many slots it had, 0 if none has expired. */
  #removeExpired(refs: readonly number[], nowMicros: number): number {
    const { records } = this.#store;
    for (const ref of refs) {
      const expiresAtMs = records.expiresAtMs(ref) ?? Infinity;
      if (isExpired(expiresAtMs, nowMicros)) {
        const slotCount = records.slotCount(ref);
        this.#store.remove(this.#partition, ref);
        return slotCount;
      }
      this.#earliestDeadlineMs = Math.min(this.#earliestDeadlineMs, expiresAtMs);
    }
    return 0;
  }
}

/** The default of Redis, `hz 10`. */
const IDLE_DELAY_MS = 100;
const BUSY_DELAY_MS = 10;
const SAMPLE = 64;

/** A step ends after `MAX_MICROS`, or after `MAX_EXAMINED` pairs if the clock is too coarse. */
const MAX_MICROS = 1000;
const MAX_EXAMINED = 4096;
