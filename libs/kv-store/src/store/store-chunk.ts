import type { Entry, Key } from '@kvs/protocol';

/** A pair of a scan. */
export interface StoredPair extends Entry {
  readonly key: Key;
}

/** Pairs of one partition, at least one. */
export interface StoreChunk {
  readonly partition: number;
  readonly pairs: readonly StoredPair[];
}
