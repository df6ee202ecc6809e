import { PARTITION_COUNT, PARTITION_FUNCTION, slotOfBytes } from '@kvs/protocol';

/** The Redis keys of one partition. They share a hash tag, and therefore a slot of a Cluster. */
export interface PartitionKeys {
  /** The Cluster slot. It does not depend on the prefix. */
  readonly slot: number;
  /** A hash: key to stored pair. */
  readonly pairs: string;
  /** A number as text: at least the version of every pair that left the partition or has a deadline. */
  readonly floor: string;
  /** A sorted set: the keys of the pairs that have a deadline, by deadline. */
  readonly deadlines: string;
}

/**
 * Returns the keys of each partition. They name the partition function, so that pairs that another function placed are
 * never mistaken for these.
 */
export function partitionKeys(prefix: string): (partition: number) => PartitionKeys {
  const all = Array.from({ length: PARTITION_COUNT }, (_, partition): PartitionKeys => {
    const start = `${prefix}:${PARTITION_FUNCTION}:{${partition}}:`;
    return {
      slot: slotOfBytes(Buffer.from(start)),
      pairs: `${start}pairs`,
      floor: `${start}floor`,
      deadlines: `${start}deadlines`,
    };
  });
  return (partition) => {
    const keys = all[partition];
    if (keys === undefined) throw new RangeError(`there is no partition ${partition}`);
    return keys;
  };
}

/** Returns keys with which a command on the "pairs" is one on the id of the store. It lies in the slot of partition 0. */
export function storeIdKeys(prefix: string): PartitionKeys {
  const keys = partitionKeys(prefix)(0);
  return { ...keys, pairs: keys.pairs.replace(/pairs$/, 'store-id') };
}
