import { KvsError } from '@kvs/protocol';
import { MAX_FETCHED_BYTES, type CallKind, type CallKinds } from './single-call.js';

/** How many pairs are fetched at once. Large values make it smaller, small ones larger. */
export class FetchCount {
  #value: number;
  readonly #max: number;

  constructor(max: number) {
    this.#value = max;
    this.#max = max;
  }

  get value(): number {
    return this.#value;
  }

  /** Lowers the number if a fetch of so many pairs failed because they are too large together. Returns whether it did. */
  lowerAfter(error: unknown, count: number): boolean {
    if (count === 1 || !(error instanceof KvsError) || error.code !== 'answer_too_large') return false;
    this.#value = Math.max(1, count >>> 3);
    return true;
  }

  /**
   * Raises the number if the pairs of a fetch were small together.
   *
   * @param units the UTF-16 units of their values
   */
  raiseAfter(count: number, units: number): void {
    if (count === this.#value && units < MAX_FETCHED_BYTES / 4)
      this.#value = Math.min(2 * this.#value, this.#max);
  }
}

/** Returns how many UTF-16 units of values were fetched. */
export function unitsOf(outcomes: readonly CallKinds[CallKind]['outcome'][]): number {
  let units = 0;
  for (const outcome of outcomes)
    if ('entry' in outcome && outcome.entry !== null) units += outcome.entry.value.data.length;
  return units;
}
