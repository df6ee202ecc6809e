import type { Records } from '../records.js';
import type { EvictionPolicy } from './eviction-policy.js';
import { RecordQueue } from './record-queue.js';

/**
 * SIEVE (Zhang, Yang, Yue, Vigfusson and Rashmi, "SIEVE is Simpler than LRU", NSDI 2024, Algorithm 1): a queue in the
 * order of arrival, and a hand that moves from the oldest pair to the newest. The hand passes over a used pair and
 * marks it unused. It evicts the first unused pair. A use sets one bit and moves nothing, so reads are cheap, and
 * pairs used only once leave early.
 */
export class SievePolicy implements EvictionPolicy {
  readonly #queue: RecordQueue;
  #hand = 0;

  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
    this.#queue = new RecordQueue(records);
  }

  added(ref: number): void {
    this.#queue.push(ref);
  }

  used(ref: number): void {
    this.#records.setVisited(ref, true);
  }

  moved(from: number, to: number): void {
    this.#queue.replace(from, to);
    this.#records.setVisited(to, this.#records.isVisited(from));
    if (this.#hand === from) this.#hand = to;
  }

  removed(ref: number): void {
    if (this.#hand === ref) this.#hand = this.#records.newer(ref);
    this.#queue.remove(ref);
  }

  victim(): number {
    let at = this.#hand === 0 ? this.#queue.oldest : this.#hand;
    for (let passed = 0; passed < MAX_PASSED && at !== 0 && this.#records.isVisited(at); passed++) {
      this.#records.setVisited(at, false);
      const newer = this.#records.newer(at);
      at = newer === 0 ? this.#queue.oldest : newer;
    }
    this.#hand = at;
    return at;
  }
}

/**
 * Not in the paper: the hand stops after so many pairs, so that one write never waits for a walk over a large store.
 */
const MAX_PASSED = 10_000;
