import { PARTITION_COUNT } from '@kvs/protocol';
import type { Clock } from '../../clock.js';
import { microsToMs } from '../../clock.js';
import type { CancelTask, Scheduler } from '../../scheduler.js';
import { isExpired } from '../rules.js';
import type { MemoryPartition } from './memory-partition.js';
import { END_OF_HASHES } from './bucket-table.js';
import type { PairStore } from './pair-store.js';

/**
 * Reclaims expired pairs that nobody asks for, a little at a time, as Redis's active expire cycle does: ten times a
 * second, in small samples, until no more is due or the time is up. When the time was up it comes again soon.
 * Partitions in which nothing is due yet are passed over, and where no pair expires it does not run.
 */
export class ExpirySweep {
  #cancel: CancelTask | undefined;
  #cursor: SweepCursor | undefined;
  #nextPartition = 0;
  /** Nothing need be looked for earlier, unless a walk is under way. */
  #nextDeadlineMs = -Infinity;

  readonly #store: PairStore;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;

  constructor(store: PairStore, clock: Clock, scheduler: Scheduler) {
    this.#store = store;
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  /** Makes sure that the sweep runs: called when a pair is written that expires, or pairs of which nothing is known. */
  wake(expiresAtMs = -Infinity): void {
    this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, expiresAtMs);
    this.#cancel ??= this.#scheduler.after(IDLE_DELAY_MS, () => this.#run());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /**
   * Reclaims a little at once, for a write that finds no room; costs next to nothing while nothing is due.
   * @returns whether anything was reclaimed
   */
  reclaim(nowMicros: number, mostExamined: number): boolean {
    if (this.#cursor === undefined && microsToMs(nowMicros) < this.#nextDeadlineMs) return false;
    let removed = 0;
    for (let examined = 0; examined < mostExamined;) {
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

  /** Whether nothing more is due, rather than the time is up. */
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

  /** Looks at a few pairs; undefined when nothing is due. */
  #step(nowMicros: number): Sample | undefined {
    this.#cursor ??= this.#nextDue(nowMicros);
    const sample = this.#cursor?.step(SAMPLE, nowMicros);
    if (this.#cursor?.isAtEnd === true) this.#cursor = undefined;
    return sample;
  }

  /** A walk of the next partition that may have an expired pair; none after a whole round. */
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
  /** At least 1, so that many partitions with nothing in them come to an end too. */
  readonly examined: number;
  readonly removed: number;
}

/** One walk through a partition, over as many steps as it takes. */
class SweepCursor {
  #hash = 0;
  #earliestDeadlineMs = Infinity;

  readonly #store: PairStore;
  readonly #partition: MemoryPartition;

  constructor(store: PairStore, partition: MemoryPartition) {
    this.#store = store;
    this.#partition = partition;

    // From here on it says only what is written meanwhile; at the end the walk adds what it met.
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
      // Looks anew after each removal, as it may move the other records, and the bounds of the bucket with them.
      if (removedSlots === 0) this.#hash = nextHash;
      // One that is spread over many slots is as much work as many.
      else examined += removedSlots - 1;
    }
    if (this.isAtEnd)
      partition.earliestDeadlineMs = Math.min(partition.earliestDeadlineMs, this.#earliestDeadlineMs);
    return { examined: Math.max(examined, 1), removed: countBefore - partition.pairCount };
  }

  /** Removes the first that has expired. How many slots it had, about; 0 when there is none. */
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

/** Redis's default, `hz 10`. */
const IDLE_DELAY_MS = 100;
const BUSY_DELAY_MS = 10;
const SAMPLE = 64;

/** A turn ends after a millisecond; or after so many pairs, where the clock is too coarse to tell. */
const MAX_MICROS = 1000;
const MAX_EXAMINED = 4096;
