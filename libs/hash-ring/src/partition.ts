/**
 * How many partitions the key space has. The number is fixed, so that a partition means the same to every process and
 * may be stored. 4,096 gives each of 100 nodes about 41, and the table takes 8 KiB.
 */
export const PARTITION_COUNT = 4096;

/** A 32-bit hash shifted right by this is a partition, 12 bits. */
export const PARTITION_SHIFT = 20;
