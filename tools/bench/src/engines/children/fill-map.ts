import { childOutput } from '../../harness/in-child.js';

export interface FillMapOutput {
  readonly entries: number;
  readonly error: string;
}

/** A Map takes entries until it refuses. The keys are numbers, which take the least memory. */
const map = new Map<number, number>();
let error = '';
try {
  for (let key = 0; key < 2 ** 25; key++) map.set(key, key);
} catch (refusal) {
  error = String(refusal);
}
childOutput({ entries: map.size, error } satisfies FillMapOutput);
