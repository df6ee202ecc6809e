import { ManualClock } from '../../testing/manual-clock.js';
import { numbered, PARTITION, placed, removal, write } from '../../testing/pairs.js';
import { seededRandom } from '../../testing/seeded-random.js';
import { END_OF_HASHES } from './bucket-table.js';
import { PairStore } from './pair-store.js';
import { scanPartition } from './partition-scan.js';

const COUNT = 40_000;
const clock = new ManualClock();
const NOW = clock.nowMicros();

describe('a partition of very many pairs', () => {
  it('grows and shrinks a little at a time, and always finds its pairs', () => {
    const store = open();
    const keys = numbered(COUNT);
    const before = store.budget.usedBytes;
    let largest = 0;
    for (const [index, key] of keys.entries()) {
      largest = Math.max(
        largest,
        change(store, () => store.write(write(key), NOW)),
      );
      if (index % 97 === 0) expectFound(store, keys, 0, index + 1);
    }
    expectFound(store, keys, 0, COUNT);
    for (const [index, key] of keys.entries()) {
      largest = Math.max(
        largest,
        change(store, () => store.delete(removal(key), NOW)),
      );
      if (index % 97 === 0) expectFound(store, keys, index + 1, COUNT);
    }
    expect(store.partition(PARTITION)?.pairCount).toBe(0);
    // A table for the pairs has 256 KiB; and a change of size takes 32 KiB more at a time; five pages are freed at once.
    expect(largest).toBeLessThan(6 * 66 * 1024);
    expect(store.budget.usedBytes - before).toBeLessThan(6 * 66 * 1024);
  });

  it.each([1, 2, 3])('is scanned exactly once while it grows and shrinks (seed %i)', (seed) => {
    const random = seededRandom(seed);
    const store = open();
    const stable = numbered(5000, 'stable');
    for (const key of stable) store.write(write(key), NOW);
    const others = numbered(20_000, 'other');
    const met: string[] = [];
    const partition = store.partition(PARTITION);
    if (partition === undefined) throw new RangeError('expected a partition');
    for (const chunk of scanPartition(store, partition, '', clock)) {
      met.push(...chunk.map(({ id }) => id));
      const isGrowing = random.below(2) === 0;
      for (const key of others.slice(0, 1 + random.below(others.length))) {
        if (isGrowing) store.write(write(key), NOW);
        else store.delete(removal(key), NOW);
      }
    }
    expect(new Set(met).size).toBe(met.length);
    expect(met.filter((id) => id.startsWith('sstable')).sort()).toEqual(
      stable.map((key) => `s${key}`).sort(),
    );
  });

  it('has buckets that cover all hashes, one after the other, at any moment of its growth', () => {
    const store = open();
    for (const [index, key] of numbered(20_000).entries()) {
      store.write(write(key), NOW);
      if (index % 501 !== 0) continue;
      const partition = store.partition(PARTITION);
      let count = 0;
      let hash = 0;
      while (partition !== undefined && hash < END_OF_HASHES) {
        const { refs, nextHash } = partition.bucketFrom(hash);
        count += refs.filter((ref) => store.records.hash(ref) < nextHash).length;
        if (nextHash <= hash) throw new RangeError('a bucket without hashes');
        hash = nextHash;
      }
      expect([hash, count]).toEqual([END_OF_HASHES, index + 1]);
    }
  });
});

function open(): PairStore {
  return new PairStore(256 * 1024 * 1024, 'none', [1, 2]);
}

/** By how many bytes the store is another than before. */
function change(store: PairStore, work: () => void): number {
  const before = store.budget.usedBytes;
  work();
  return Math.abs(store.budget.usedBytes - before);
}

/** Looks at the ends of what should be there, and just beyond. */
function expectFound(store: PairStore, keys: readonly string[], from: number, to: number): void {
  for (const at of [from - 1, from, Math.floor((from + to) / 2), to - 1, to]) {
    const key = keys[at];
    if (key !== undefined) expect(store.has(placed(key), NOW)).toBe(at >= from && at < to);
  }
}
