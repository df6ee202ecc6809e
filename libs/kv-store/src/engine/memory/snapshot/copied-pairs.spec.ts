import { ManualClock } from '../../../testing/manual-clock.js';
import { numbered, PARTITION, placed, removal, write } from '../../../testing/pairs.js';
import { PairStore } from '../pair-store.js';
import { CHUNK_BYTES, CopiedPairs } from './copied-pairs.js';
import { PartitionCopy } from './partition-copy.js';
import { FRAME_HEADER_BYTES, readPairs } from './snapshot-format.js';

const NOW = new ManualClock().nowMicros();

describe('small pairs that are copied while a chunk is written', () => {
  it('are in chunks of a bounded length, however many they are', () => {
    const store = new PairStore(64 * 1024 * 1024, 'none', [1, 1]);
    const keys = numbered(3000);
    for (const key of keys) store.write(write(key, 'v'.repeat(500)), NOW);
    const partition = store.partition(PARTITION);
    if (partition === undefined) throw new RangeError('expected a partition');
    const copied = new CopiedPairs();
    store.observer = new PartitionCopy(store, partition, new ManualClock(), copied);
    for (const key of keys) store.delete(removal(key), NOW);
    expect(copied.pairCount).toBe(keys.length);
    const ids: string[] = [];
    while (copied.hasChunk) {
      const chunk = copied.nextChunk();
      expect(chunk.length).toBeLessThanOrEqual(CHUNK_BYTES);
      for (const { id } of readPairs(chunk.subarray(FRAME_HEADER_BYTES))) ids.push(id);
      copied.release(chunk);
    }
    expect(ids).toEqual(keys.map((key) => placed(key).id));
  });
});
