import { PARTITION_COUNT } from '@kvs/protocol';

/** Reclaims up to so many expired pairs of each of these partitions: how many it reclaimed, in the same order. */
export type Reclaim = (partitions: readonly number[], limit: number) => Promise<readonly number[]>;

/**
 * Reclaims the memory of expired pairs, a few partitions at each step, round and round. That they are absent does
 * not depend on it. Redis's own expiry is not used, for it goes by another clock.
 */
export class ExpirySweep {
  readonly #reclaim: Reclaim;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Partitions that had more than a step reclaims. They come again at once. */
  #unfinished: readonly number[] = [];
  #next: number;

  /** @param start the partition to begin with; different for each of several that sweep the same store */
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
      // Redis is away, which everybody else hears of. The partitions come again in the next round.
    }
    if (!this.#isStopped) this.#schedule();
  }

  #nextPartitions(count: number): number[] {
    const first = this.#next;
    this.#next = (first + count) % PARTITION_COUNT;
    return Array.from({ length: count }, (_, index) => (first + index) % PARTITION_COUNT);
  }
}

/** With the default interval a round takes 16 seconds, and 256 small scripts a second. */
const PER_STEP = 64;
const LIMIT = 200;
