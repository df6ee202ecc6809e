import { numbered, PARTITION, placed, removal, write } from '../../../testing/pairs.js';
import { seededRandom } from '../../../testing/seeded-random.js';
import { PairStore } from '../pair-store.js';
import { PairBuffer, PartitionCopy } from './partition-copy.js';
import { readPairs, type SnapshotPair } from './snapshot-format.js';

const KEYS = numbered(3000);
const NOW = 1_000_000;

describe('a copy of a partition', () => {
  it.each([1, 2, 3])(
    'is what it held when it began, whatever is written between its steps (seed %i)',
    (seed) => {
      const random = seededRandom(seed);
      const store = new PairStore(64 * 1024 * 1024, 'none', [seed, seed]);
      for (const key of KEYS) store.write(write(key, `old ${'v'.repeat(random.below(500))}`), NOW);
      const expected = KEYS.map((key) => store.peek(placed(key), NOW));
      const { pairs, steps } = copyWhile(store, () => {
        for (let i = 0; i < 300; i++) {
          const key = random.pick(KEYS);
          const change = random.below(4);
          if (change === 0) store.delete(removal(key), NOW);
          else if (change === 1) store.write(write(`${key}-added`), NOW);
          else store.write(write(key, `new ${'w'.repeat(random.below(500))}`), NOW);
        }
      });
      expect(steps).toBeGreaterThan(3);
      expect(sorted(pairs)).toEqual(sorted(expected));
    },
  );

  it('leaves out what has expired', () => {
    const store = new PairStore(64 * 1024 * 1024, 'none', [1, 1]);
    store.write(write('gone', 'v', { expiresAtMs: NOW / 1000 }), NOW);
    store.write(write('stays', 'v', { expiresAtMs: NOW / 1000 + 1 }), NOW);
    expect(copyWhile(store, () => undefined).pairs).toEqual([
      expect.objectContaining({ id: placed('stays').id, expiresAtMs: NOW / 1000 + 1 }),
    ]);
  });
});

function copyWhile(store: PairStore, change: () => void): { pairs: SnapshotPair[]; steps: number } {
  const partition = store.partition(PARTITION);
  if (partition === undefined) throw new RangeError('expected a partition with pairs');
  const buffer = new PairBuffer();
  const copy = new PartitionCopy(store, partition, NOW, buffer);
  store.observer = copy;
  const pairs: SnapshotPair[] = [];
  let steps = 1;
  for (; !copy.step(); steps++) {
    change();
    pairs.push(...readPairs(buffer.take()));
  }
  pairs.push(...readPairs(buffer.take()));
  return { pairs, steps };
}

function sorted(pairs: readonly (Pick<SnapshotPair, 'id' | 'value' | 'version'> | undefined)[]): string[] {
  return pairs.map((pair) => JSON.stringify([pair?.id, pair?.value.data, pair?.version])).sort();
}
