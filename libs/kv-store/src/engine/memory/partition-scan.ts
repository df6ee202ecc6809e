import type { KeyId } from '@kvs/protocol';
import type { Clock } from '../../clock.js';
import { isExpired } from '../rules.js';
import { ScanChunkBuilder } from '../scan-chunk.js';
import type { EnginePair } from '../engine-data.js';
import type { MemoryPartition } from './memory-partition.js';
import { END_OF_HASHES } from './bucket-table.js';
import type { PairStore } from './pair-store.js';

/**
 * Yields the pairs of a partition in chunks. A chunk is empty if none of the pairs that were examined matched. Writes
 * may happen between two steps. The walk goes through the hashes in ascending order, and a key's hash does not
 * change. So it meets every pair that stays exactly once, no key twice, and new keys can't prolong it. Between steps
 * it keeps only the ids of the rest of one bucket.
 */
export function* scanPartition(
  store: PairStore,
  partition: MemoryPartition,
  idPrefix: string,
  clock: Clock,
): Generator<EnginePair[], void, undefined> {
  const left: KeyId[] = [];
  let hash = 0;
  while (hash < END_OF_HASHES || left.length > 0) {
    const chunk = new ScanChunkBuilder();
    const now = clock.nowMicros();
    addLeft(store, partition, left, now, chunk);
    for (let examined = 0; !chunk.isFull && examined < MAX_EXAMINED && hash < END_OF_HASHES;) {
      const { refs, nextHash } = partition.bucketFrom(hash);
      hash = nextHash;
      examined += Math.max(refs.length, 1);
      for (const ref of refs) {
        if (isExpired(store.records.expiresAtMs(ref), now)) continue;
        const id = store.records.id(ref);
        if (!id.startsWith(idPrefix)) continue;
        if (chunk.isFull) left.push(id);
        else chunk.add(store.records.pair(ref, id));
      }
    }
    yield chunk.pairs;
  }
}

/** Pairs and empty buckets that one step examines: a millisecond of work. */
const MAX_EXAMINED = 4000;

function addLeft(
  store: PairStore,
  { number }: MemoryPartition,
  left: KeyId[],
  nowMicros: number,
  chunk: ScanChunkBuilder,
): void {
  while (!chunk.isFull) {
    const id = left.shift();
    if (id === undefined) return;
    const pair = store.peek({ id, partition: number }, nowMicros);
    if (pair !== undefined) chunk.add(pair);
  }
}
