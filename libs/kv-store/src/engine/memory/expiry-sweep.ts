import { PARTITION_COUNT } from '@kvs/hash-ring';
import type { Clock } from '../../clock.js';
import { microsToMs } from '../../clock.js';
import type { CancelTask, Scheduler } from '../../scheduler.js';
import { isExpired } from '../rules.js';
import type { MemoryPartition } from './memory-partition.js';
import { END_OF_HASHES } from './memory-partition.js';
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

  constructor(
    private readonly store: PairStore,
    private readonly clock: Clock,
    private readonly scheduler: Scheduler,
  ) {}

  /** Makes sure that the sweep runs: called when a pair was written that expires. */
  wake(): void {
    this.#cancel ??= this.scheduler.after(IDLE_DELAY_MS, () => this.#run());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /**
   * Reclaims at once, for a write that finds no room.
   * @returns whether anything was reclaimed
   */
  reclaim(nowMicros: number): boolean {
    let removed = 0;
    for (let examined = 0; examined < MAX_EXAMINED;) {
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
    this.#cancel = this.scheduler.after(isDone ? IDLE_DELAY_MS : BUSY_DELAY_MS, () => this.#run());
  }

  /** Whether nothing more is due, rather than the time is up. */
  #sweep(): boolean {
    const startMicros = this.clock.nowMicros();
    for (let examined = 0; examined < MAX_EXAMINED;) {
      const sample = this.#step(startMicros);
      if (sample === undefined) return true;
      examined += sample.examined;
      if (this.clock.nowMicros() - startMicros > MAX_MICROS) return false;
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
      const partition = this.store.partition(this.#nextPartition);
      this.#nextPartition = (this.#nextPartition + 1) % PARTITION_COUNT;
      if (partition && partition.earliestDeadlineMs <= nowMs) return new SweepCursor(this.store, partition);
    }
    return undefined;
  }

  #hasDeadlines(): boolean {
    if (this.#cursor !== undefined) return true;
    for (const { earliestDeadlineMs } of this.store.partitions())
      if (earliestDeadlineMs < Infinity) return true;
    return false;
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

  constructor(
    private readonly store: PairStore,
    private readonly partition: MemoryPartition,
  ) {
    // From here on it says only what is written meanwhile; at the end the walk adds what it met.
    partition.earliestDeadlineMs = Infinity;
  }

  get isAtEnd(): boolean {
    return this.#hash === END_OF_HASHES;
  }

  step(sample: number, nowMicros: number): Sample {
    const { partition } = this;
    const countBefore = partition.pairCount;
    let examined = 0;
    while (examined < sample && this.#hash < END_OF_HASHES) {
      const { refs, nextHash } = this.partition.bucketFrom(this.#hash);
      examined += refs.length;
      this.#removeExpired(refs, nowMicros);
      this.#hash = nextHash;
    }
    if (this.isAtEnd)
      partition.earliestDeadlineMs = Math.min(partition.earliestDeadlineMs, this.#earliestDeadlineMs);
    return { examined: Math.max(examined, 1), removed: countBefore - partition.pairCount };
  }

  /** Looks anew after each removal, as it may move the other records. */
  #removeExpired(refs: readonly number[], nowMicros: number): void {
    for (const ref of refs) {
      const expiresAtMs = this.store.records.expiresAtMs(ref);
      if (!isExpired(expiresAtMs, nowMicros)) {
        this.#earliestDeadlineMs = Math.min(this.#earliestDeadlineMs, expiresAtMs ?? Infinity);
        continue;
      }
      this.store.remove(this.partition, ref);
      return this.#removeExpired(this.partition.bucketFrom(this.#hash).refs, nowMicros);
    }
  }
}

/** Redis's default, `hz 10`. */
const IDLE_DELAY_MS = 100;
const BUSY_DELAY_MS = 10;
const SAMPLE = 64;

/** A turn ends after a millisecond; or after so many pairs, where the clock is too coarse to tell. */
const MAX_MICROS = 1000;
const MAX_EXAMINED = 4096;
