import fc from 'fast-check';
import { decodePartitions, encodePartitions } from './partition-set.js';
import { PARTITION_COUNT } from './partition.js';

it('a header of partitions decodes to the same partitions', () => {
  const partitions = fc.uniqueArray(fc.nat(PARTITION_COUNT - 1));
  fc.assert(
    fc.property(partitions, (some) => {
      expect(decodePartitions(encodePartitions(some))).toEqual([...some].sort((a, b) => a - b));
    }),
  );
});

it('the lowest partition is the highest bit of the first digit', () => {
  expect(encodePartitions([0, 3, 4])).toBe(`98${'0'.repeat(1022)}`);
});

it.each(['', '0', 'z'.repeat(1024), '0'.repeat(1025)])('a header of another form is refused', (text) => {
  expect(() => decodePartitions(text)).toThrow(expect.objectContaining({ code: 'invalid_parameter' }));
});
