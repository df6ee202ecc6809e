import { hash32 } from './hash.js';

/**
 * How many partitions the key space has. The number is fixed, so that a partition means the same to every process and
 * may be stored. 4,096 gives each of 100 nodes about 41, and the table takes 8 KiB.
 */
export const PARTITION_COUNT = 4096;

/** A 32-bit hash shifted right by this is a partition, 12 bits. */
export const PARTITION_SHIFT = 20;

/**
 * Returns the partition of a key: the top 12 bits of {@link hash32}, 0 to 4,095. O(length of the key).
 *
 * @throws HashRingError `invalid_key`
 */
export function partitionOf(input: string | Uint8Array): number {
  return hash32(input) >>> PARTITION_SHIFT;
}
