import { randomTexts, seededRandom } from '../harness/random.js';

export interface Pair {
  readonly key: string;
  readonly value: string;
}

export const KEY_BYTES = 16;
export const VALUE_BYTES = 100;

/** Random pairs of 16 and 100 bytes of text, the same for the same seed. */
export function randomPairs(count: number, seed = 1): Pair[] {
  const random = seededRandom(seed);
  const keys = randomTexts(count, KEY_BYTES, random);
  const values = randomTexts(count, VALUE_BYTES, random);
  return keys.map((key, at) => ({ key, value: values[at] ?? '' }));
}

/** The pairs, so many at a time; the last part may have fewer. */
export function inBatches(pairs: readonly Pair[], size: number): Pair[][] {
  return Array.from({ length: Math.ceil(pairs.length / size) }, (_, at) =>
    pairs.slice(at * size, (at + 1) * size),
  );
}
