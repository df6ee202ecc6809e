import { hash32 } from './hash.js';

/**
 * Into how many partitions the key space is cut. Fixed, so that a partition's number means the same to
 * every process and may be stored; 4,096 gives each of 100 nodes about 41, and the whole table is 8 KiB.
 */
export const PARTITION_COUNT = 4096;

/** How far a 32-bit hash is shifted to leave a partition's 12 bits. */
export const PARTITION_SHIFT = 20;

/**
 * The partition of a key: the top 12 bits of {@link hash32}, 0 to 4,095. O(length of the key).
 *
 * @throws HashRingError `invalid_key`
 */
export function partitionOf(input: string | Uint8Array): number {
  return hash32(input) >>> PARTITION_SHIFT;
}
