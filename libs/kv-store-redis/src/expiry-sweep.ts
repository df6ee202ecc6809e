import { PARTITION_COUNT } from '@kvs/protocol';

/** Reclaims up to `limit` expired pairs of each of these partitions; returns how many, in the same order. */
type Reclaim = (partitions: readonly number[], limit: number) => Promise<readonly number[]>;

/**
 * Reclaims the memory of expired pairs, a few partitions at each step, in rounds. Expired pairs are absent even
 * before. Redis's own expiry is not used, because it follows another clock.
 */
export class ExpirySweep {
  readonly #reclaim: Reclaim;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Partitions with more expired pairs than a step reclaims. They are next. */
  #unfinished: readonly number[] = [];
  #next: number;

  /** @param start the first partition; different for each engine on the same store */
  constructor(reclaim: Reclaim, intervalMs: number, start: number) {
    this.#reclaim = reclaim;
    this.#intervalMs = intervalMs;
    this.#next = start;
    if (intervalMs > 0) this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => void this.#step(), this.#intervalMs).unref();
  }

  async #step(): Promise<void> {
    const partitions = [...this.#unfinished, ...this.#nextPartitions(PER_STEP - this.#unfinished.length)];
    try {
      const reclaimed = await this.#reclaim(partitions, LIMIT);
      this.#unfinished = partitions.filter((_, index) => reclaimed[index] === LIMIT).slice(0, PER_STEP / 2);
    } catch {
      // Redis is away, which other calls report. The next round tries again.
    }
    if (!this.#isStopped) this.#schedule();
  }

  #nextPartitions(count: number): number[] {
    const first = this.#next;
    this.#next = (first + count) % PARTITION_COUNT;
    return Array.from({ length: count }, (_, index) => (first + index) % PARTITION_COUNT);
  }
}

/** With the default interval, a round takes 16 seconds and runs 256 small scripts a second. */
const PER_STEP = 64;
const LIMIT = 200;
