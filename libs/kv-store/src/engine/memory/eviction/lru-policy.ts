import type { Records } from '../records.js';
import type { EvictionPolicy } from './eviction-policy.js';
import { RecordQueue } from './record-queue.js';

/**
 * Exact LRU: one list in the order of last use, as in Mattson, Gecsei, Slutz and Traiger, "Evaluation techniques for
 * storage hierarchies" (IBM Systems Journal 9(2), 1970). It does not sample, as Redis does: a read moves its pair to
 * the front.
 */
export class LruPolicy implements EvictionPolicy {
  readonly #queue: RecordQueue;

  constructor(records: Records) {
    this.#queue = new RecordQueue(records);
  }

  added(ref: number): void {
    this.#queue.push(ref);
  }

  used(ref: number): void {
    if (ref === this.#queue.newest) return;
    this.#queue.remove(ref);
    this.#queue.push(ref);
  }

  moved(from: number, to: number): void {
    this.#queue.replace(from, to);
  }

  removed(ref: number): void {
    this.#queue.remove(ref);
  }

  victim(): number {
    return this.#queue.oldest;
  }
}
