import fc from 'fast-check';
import { jumpBucket, JumpRing } from '../index.js';

describe('jumpBucket', () => {
  it.each([
    [1, 1, 0],
    [42, 57, 43],
    [0xdead10cc, 1, 0],
    [0xdead10cc, 666, 361],
    [256, 1024, 520],
  ])('puts key %i into one of %i buckets as other implementations do: %i', (key, buckets, expected) => {
    expect(jumpBucket(key, buckets)).toBe(expected);
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 31])('refuses %d buckets', (buckets) => {
    expect(() => jumpBucket(1, buckets)).toThrow(expect.objectContaining({ code: 'invalid_count' }));
  });

  it.each([-1, 0.5, NaN, Infinity, 2 ** 32])('refuses the key %d', (key) => {
    expect(() => jumpBucket(key, 2)).toThrow(expect.objectContaining({ code: 'invalid_key' }));
  });

  it('is the function of Lamping & Veach, figure 1', () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffffffff }), fc.integer({ min: 1, max: 100_000 }), (key, buckets) => {
        expect(jumpBucket(key, buckets)).toBe(lampingAndVeach(BigInt(key), buckets));
      }),
      { numRuns: 500 },
    );
  });
});

describe('jump', () => {
  it('can only remove the last node', () => {
    const ring = new JumpRing(['c', 'a', 'b']);
    expect(ring.nodes.map(({ id }) => id)).toEqual(['c', 'a', 'b']);
    expect(() => ring.without('a')).toThrow(expect.objectContaining({ code: 'not_last_node' }));
    expect(ring.without('b').nodes.map(({ id }) => id)).toEqual(['c', 'a']);
  });

  it('has no weights', () => {
    expect(() => new JumpRing([{ id: 'a', weight: 2 }])).toThrow(
      expect.objectContaining({ code: 'invalid_weight' }),
    );
  });
});

/** The published C++, its 64-bit integers as BigInt. */
function lampingAndVeach(key: bigint, buckets: number): number {
  let b = -1;
  let j = 0;
  while (j < buckets) {
    b = j;
    key = BigInt.asUintN(64, key * 2862933555777941757n + 1n);
    j = Math.floor((b + 1) * (2 ** 31 / Number((key >> 33n) + 1n)));
  }
  return b;
}
