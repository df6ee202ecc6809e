import { ManualClock } from '../../../testing/manual-clock.js';
import { numbered, PARTITION, placed, removal, write } from '../../../testing/pairs.js';
import { variedAscii } from '../../../testing/varied-values.js';
import { PairStore } from '../pair-store.js';
import { CHUNK_BYTES, CopiedPairs, LargePair } from './copied-pairs.js';
import { PartitionCopy } from './partition-copy.js';
import { FRAME_HEADER_BYTES, PAIR_HEADER_BYTES, readPairs } from './snapshot-format.js';

const NOW = new ManualClock().nowMicros();
const LENGTH = 60_000;
const KEYS = numbered(60, 'key');

describe('a large pair that is written to a file in parts', () => {
  it('continues at its position, whichever of its slots are moved', () => {
    const { store, others } = scattered();
    const copies = KEYS.flatMap((key, index) =>
      // One for each slot.
      [1, 9000, 17_000, 25_000, 33_000, 41_000, 49_000, 57_000].map((read) => {
        const pair = largePair(store, key);
        const head = Buffer.alloc(PAIR_HEADER_BYTES + read);
        pair.read(head);
        return { pair, text: head.toString('latin1', PAIR_HEADER_BYTES), expected: key + textOf(index) };
      }),
    );
    let moved = 0;
    store.observer = {
      changing: () => undefined,
      moved(from, to) {
        moved += 1;
        for (const { pair } of copies) pair.moved(from, to);
      },
    };
    for (const key of others) store.delete(removal(key), NOW);
    expect(moved).toBeGreaterThan(100);
    for (const { pair, text, expected } of copies) expect(text + restOf(pair) === expected).toBe(true);
  });

  it('is copied whole when it is about to change, wherever it is by then', () => {
    const { store, others } = scattered();
    const pairs = KEYS.map((key) => largePair(store, key));
    store.observer = {
      changing: (_partition, _hash, ref) => pairs.forEach((pair) => pair.aboutToChange(ref)),
      moved: (from, to) => pairs.forEach((pair) => pair.moved(from, to)),
    };
    for (const pair of pairs) pair.read(Buffer.alloc(PAIR_HEADER_BYTES));
    for (const key of others) store.delete(removal(key), NOW);
    for (const [index, key] of KEYS.entries())
      if (index % 2 === 0) store.write(write(key, 'v'.repeat(LENGTH)), NOW);
      else store.delete(removal(key), NOW);
    expect(pairs.map(restOf)).toEqual(KEYS.map((key, index) => key + textOf(index)));
  });
});

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

/** A store whose large values lie scattered among others, which are to go. */
function scattered(): { store: PairStore; others: string[] } {
  const store = new PairStore(64 * 1024 * 1024, 'none', [1, 1]);
  const others = numbered(3500, 'other');
  for (const key of others) store.write(write(key, 'v'.repeat(8100)), NOW);
  for (const [index, key] of others.entries()) if (index % 8 === 0) store.delete(removal(key), NOW);
  const stays = others.filter((_, index) => index % 8 !== 0);
  for (const [index, key] of KEYS.entries()) store.write(write(key, textOf(index)), NOW);
  // One here, one there, so that no page comes free by itself.
  return { store, others: stays.map((_, index) => stays[(index * 37) % stays.length] ?? '') };
}

function textOf(index: number): string {
  return variedAscii(LENGTH, 7 * index);
}

function largePair(store: PairStore, key: string): LargePair {
  const partition = store.partition(PARTITION);
  for (let hash = 0; partition !== undefined && hash < 2 ** 32;) {
    const { refs, nextHash } = partition.bucketFrom(hash);
    const ref = refs.find((each) => store.records.id(each) === placed(key).id);
    if (ref !== undefined)
      return new LargePair(ref, PARTITION, store.records.raw(ref), store.records.cursor(ref));
    hash = nextHash;
  }
  throw new RangeError(`expected a pair ${key}`);
}

function restOf(pair: LargePair): string {
  const buffer = Buffer.alloc(10_000);
  let text = '';
  for (;;) {
    const length = pair.read(buffer);
    if (length === 0) return text;
    text += buffer.toString('latin1', 0, length);
  }
}
