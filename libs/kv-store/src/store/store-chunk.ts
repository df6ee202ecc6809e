import type { Entry, Key } from '@kvs/protocol';

export interface StoredPair extends Entry {
  readonly key: Key;
}

/** Some of a partition's pairs, at least one. */
export interface StoreChunk {
  readonly partition: number;
  readonly pairs: readonly StoredPair[];
}
