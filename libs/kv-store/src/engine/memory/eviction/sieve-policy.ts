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
  /** How many pairs the hand may still pass over for the present write. */
  #mayPass = MAX_PASSED;

  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
    this.#queue = new RecordQueue(records);
  }

  added(ref: number): void {
    this.#queue.push(ref);
    this.#mayPass = MAX_PASSED;
  }

  used(ref: number): void {
    this.#mayPass = MAX_PASSED;
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
    for (; this.#mayPass > 0 && at !== 0 && this.#records.isVisited(at); this.#mayPass--) {
      this.#records.setVisited(at, false);
      const newer = this.#records.newer(at);
      at = newer === 0 ? this.#queue.oldest : newer;
    }
    this.#hand = at;
    return at;
  }
}

/**
 * Not in the paper: the hand passes over at most this many pairs for one write, however many pairs that evicts. So no write waits
 * for a walk over a large store. A write ends with a pair that is added or used.
 */
const MAX_PASSED = 10_000;
