import { createHash } from 'node:crypto';

/** Whole numbers from 0 up to, not including, the limit: the same for the same seed. */
export function seededRandom(seed: number): (limit: number) => number {
  let drawn = 0;
  return (limit) => createHash('sha256').update(`${seed}/${drawn++}`).digest().readUInt32BE() % limit;
}
