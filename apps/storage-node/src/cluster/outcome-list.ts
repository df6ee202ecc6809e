import type { MaybePromise } from '@kvs/protocol';

/** The items of a batch that are in one partition, with their places in the batch. */
export interface PartitionItems<T> {
  readonly partition: number;
  readonly places: number[];
  readonly items: T[];
}

/** Splits a batch by partition. Items of one partition keep their order. */
export function byPartition<T>(items: readonly T[], partitions: readonly number[]): PartitionItems<T>[] {
  const parts = new Map<number, PartitionItems<T>>();
  items.forEach((item, place) => {
    const partition = partitions[place];
    if (partition === undefined) throw new TypeError('a batch has fewer partitions than items');
    let part = parts.get(partition);
    if (part === undefined) parts.set(partition, (part = { partition, places: [], items: [] }));
    part.places.push(place);
    part.items.push(item);
  });
  return [...parts.values()];
}

/** Gathers the outcomes of a batch whose parts are answered in any order, at once or later. */
export class OutcomeList<O> {
  readonly #outcomes: O[];
  #missing: number;
  #error: unknown;
  #settle: (() => void) | undefined;

  constructor(count: number) {
    this.#outcomes = new Array<O>(count);
    this.#missing = count;
  }

  /** Puts the outcomes of a part. Called once for each part. */
  put(places: readonly number[], outcomes: readonly O[]): void {
    outcomes.forEach((outcome, i) => {
      const place = places[i];
      if (place !== undefined) this.#outcomes[place] = outcome;
    });
    this.#missing -= places.length;
    if (this.#missing === 0) this.#settle?.();
  }

  /** Makes the whole batch fail, instead of `put`. */
  fail(places: readonly number[], error: unknown): void {
    this.#error ??= error;
    this.put(places, []);
  }

  /** Returns the outcomes, at once if all are there. */
  answer(): MaybePromise<readonly O[]> {
    if (this.#missing === 0) return this.#result();
    return new Promise((resolve, reject) => {
      this.#settle = () => {
        try {
          resolve(this.#result());
        } catch (error) {
          reject(error);
        }
      };
    });
  }

  #result(): readonly O[] {
    if (this.#error !== undefined) throw this.#error;
    return this.#outcomes;
  }
}
