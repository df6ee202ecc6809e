import type { KeyId } from '@kvs/protocol';
import type { Clock } from '../../clock.js';
import { isExpired } from '../rules.js';
import { ScanChunkBuilder } from '../scan-chunk.js';
import type { EnginePair } from '../storage-engine.js';
import type { MemoryPartition } from './memory-partition.js';
import { END_OF_HASHES } from './bucket-table.js';
import type { PairStore } from './pair-store.js';

/**
 * The pairs of a partition in chunks, empty ones where much was looked at in vain. Writes may come between two steps: the walk goes through the hashes
 * in ascending order, and a key's hash does not change. So a pair that stays is met once, no key is met twice, and
 * new keys cannot prolong the scan. Nothing is held between steps but the ids of what is left of one bucket.
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
    takeLeft(store, partition, left, now, chunk);
    for (let examined = 0; !chunk.isFull && examined < MOST_EXAMINED && hash < END_OF_HASHES;) {
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
    if (chunk.pairs.length > 0 || hash < END_OF_HASHES) yield chunk.pairs;
  }
}

/** Pairs, and buckets without any, that are looked at in one go: a millisecond of work. */
const MOST_EXAMINED = 4000;

function takeLeft(
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
