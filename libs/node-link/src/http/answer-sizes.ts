import type { Call } from '../pending-call.js';

/** How large answers to fetches are likely to be, by those of late. */
export class AnswerSizes {
  #unitsPerKey = 0;

  /** The calls were answered together, in so many UTF-16 units. Larger ones count at once, smaller ones by and by. */
  note(calls: readonly Call[], units: number): void {
    let keys = 0;
    for (const { items } of calls) keys += items.length;
    if (keys > 0) this.#unitsPerKey = Math.max(units / keys, this.#unitsPerKey / 2);
  }

  /** Of the answer to a call. */
  expected({ items }: Call): number {
    return items.length * this.#unitsPerKey;
  }
}
