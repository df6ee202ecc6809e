import type { Entry, Key } from '@kvs/protocol';

/** A pair of a scan. */
export interface StoredPair extends Entry {
  readonly key: Key;
}

/** Pairs of one partition. There are none if the scan only shows that it goes on. */
export interface StoreChunk {
  readonly partition: number;
  readonly pairs: readonly StoredPair[];
}
