import fc from 'fast-check';

export interface WeightedNode {
  readonly id: string;
  readonly weight: number;
}

/** Ids as people write them, and others. */
const id = fc.oneof(
  fc.string({ minLength: 1, unit: 'binary' }),
  fc.nat({ max: 9999 }).map((n) => `node-${n}`),
  fc.tuple(fc.ipV4(), fc.nat({ max: 65535 })).map(([host, port]) => `${host}:${port}`),
);

/** Distinct ids. */
export const ids = (count: { min?: number; max: number }): fc.Arbitrary<string[]> =>
  fc.uniqueArray(id, { minLength: count.min ?? 1, maxLength: count.max, size: 'max' });

/** Nodes with distinct ids and weights from 1/4 to 4. */
export const weightedNodes = (count: { min?: number; max: number }): fc.Arbitrary<WeightedNode[]> =>
  fc.uniqueArray(fc.record({ id, weight: fc.double({ min: 0.25, max: 4, noNaN: true }) }), {
    minLength: count.min ?? 1,
    maxLength: count.max,
    size: 'max',
    selector: (node) => node.id,
  });

export const keys = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array());

/** node-0, node-1, … */
export const idsOf = (count: number) => Array.from({ length: count }, (_, index) => `node-${index}`);
