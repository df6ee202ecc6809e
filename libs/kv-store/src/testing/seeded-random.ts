export interface SeededRandom {
  /** Returns an integer from 0 up to, but not including, this. */
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
}

/** Returns the same numbers for the same seed on every machine: mulberry32, good enough to choose test cases. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return { below, pick: (from) => itemAt(from, below(from.length)) };
}

function itemAt<T>(from: readonly T[], index: number): T {
  const item = from[index];
  if (item === undefined) throw new RangeError('there is nothing to pick from');
  return item;
}
