import { takeCopied } from '../../../../test/copied-pairs.js';
import { ManualClock } from '../../../testing/manual-clock.js';
import { numbered, PARTITION, placed, removal, write } from '../../../testing/pairs.js';
import { seededRandom } from '../../../testing/seeded-random.js';
import { variedText } from '../../../../test/varied-values.js';
import { PairStore } from '../pair-store.js';
import { CopiedPairs } from './copied-pairs.js';
import { PartitionCopy, STEP_BYTES } from './partition-copy.js';
import type { EngineKey, EnginePair } from '../../engine-data.js';

const KEYS = numbered(3000);
const clock = new ManualClock();
const NOW = clock.nowMicros();

describe('a copy of a partition', () => {
  it.each([
    [1, 500],
    [2, 500],
    [3, 500],
    [4, 30_000],
    [5, 200_000],
  ])(
    'is what it held when it began, whatever is written between its steps (seed %i, values of up to %i bytes)',
    (seed, longest) => {
      const random = seededRandom(seed);
      const keys = KEYS.slice(0, Math.ceil(1_500_000 / longest));
      const store = new PairStore(128 * 1024 * 1024, 'none', [seed, seed]);
      for (const key of keys) store.write(write(key, `old ${'v'.repeat(random.below(longest))}`), NOW);
      const expected = keys.map((key) => store.peek(placed(key), NOW));
      const { pairs, steps } = copyWhile(store, () => {
        for (let i = 0; i < keys.length / 10; i++) {
          const key = random.pick(keys);
          const change = random.below(4);
          if (change === 0) store.delete(removal(key), NOW);
          else if (change === 1) store.write(write(`${key}-added`), NOW);
          // As long as before, too: then it may be written over the very bytes.
          else
            store.write(write(key, `new ${'w'.repeat(lengthOf(store, key) ?? random.below(longest))}`), NOW);
        }
      });
      expect(steps).toBeGreaterThan(1);
      expect(sorted(pairs)).toEqual(sorted(expected));
    },
  );

  it('has large values as they were when it began, though they are moved while it is made', () => {
    const store = new PairStore(128 * 1024 * 1024, 'none', [1, 1]);
    const others = numbered(2000, 'other');
    for (const [index, key] of others.entries()) {
      store.write(write(key, variedText(9000 + index, index)), NOW);
      if (index % 100 === 0) store.write(write(`large-${index}`, variedText(500_000, index)), NOW);
    }
    const keys = [...others, ...others.map((_, index) => `large-${index}`)];
    const expected = keys.map((key) => store.peek(placed(key), NOW)).filter((pair) => pair !== undefined);
    const bytesBefore = store.budget.usedBytes;
    let changes = 0;
    const { pairs } = copyWhile(store, () => {
      // One here, one there, so that no page comes free by itself.
      for (const end = changes + 10; changes < end; changes++)
        store.delete(removal(others[(changes * 37) % others.length] ?? ''), NOW);
    });
    expect(changes).toBeGreaterThan(others.length);
    // Pages are free only because the pairs in them were moved.
    expect(store.budget.usedBytes).toBeLessThan(0.6 * bytesBefore);
    expect(sorted(pairs)).toEqual(sorted(expected));
  });

  it('leaves out expired pairs', () => {
    const store = new PairStore(64 * 1024 * 1024, 'none', [1, 1]);
    store.write(write('gone', 'v', { expiresAtMs: NOW / 1000 }), NOW);
    store.write(write('stays', 'v', { expiresAtMs: NOW / 1000 + 1 }), NOW);
    expect(copyWhile(store, () => undefined).pairs).toEqual([
      expect.objectContaining({ id: placed('stays').id, expiresAtMs: NOW / 1000 + 1 }),
    ]);
  });

  it.each([100, 7000])('copies a bounded number of bytes in a step, with values of %i bytes', (length) => {
    const store = filled(KEYS, length);
    const copied = new CopiedPairs();
    const copy = startCopy(store, copied, clock);
    for (let isWhole = false; !isWhole;) {
      isWhole = copy.step();
      const bytes = takeCopied(copied).reduce((sum, { value }) => sum + value.data.length, 0);
      expect(bytes).toBeLessThan(STEP_BYTES + length);
    }
  });

  it.each([20_000, 1_000_000])('copies one pair in a step, with values of %i bytes', (length) => {
    const keys = numbered(50);
    const store = filled(keys, length);
    const copied = new CopiedPairs();
    const copy = startCopy(store, copied, clock);
    const counts: number[] = [];
    for (let isWhole = false; !isWhole;) {
      isWhole = copy.step();
      counts.push(takeCopied(copied).length);
    }
    expect(counts.filter((count) => count > 0)).toEqual(keys.map(() => 1));
  });

  it('ends a step when the clock has moved by a millisecond', () => {
    const slow = { nowMicros: () => clock.nowMicros() + 400 * looks++ };
    let looks = 0;
    const store = filled(KEYS, 1);
    const copied = new CopiedPairs();
    const copy = startCopy(store, copied, slow);
    looks = 0;
    let steps = 0;
    for (let isWhole = false; !isWhole; steps++) {
      const before = looks;
      isWhole = copy.step();
      takeCopied(copied);
      expect(looks - before).toBeLessThanOrEqual(4);
    }
    expect(steps).toBeGreaterThan(KEYS.length / 150);
  });

  it.each([100, 100_000])('uses its buffers again, with values of %i bytes', (length) => {
    const store = filled(KEYS.slice(0, 30_000_000 / length), length);
    const copied = new CopiedPairs();
    const copy = startCopy(store, copied, clock);
    const buffers = new Set<ArrayBufferLike>();
    while (!copy.step()) {
      const chunk = copied.nextChunk();
      buffers.add(chunk.buffer);
      copied.release(chunk);
    }
    expect(buffers.size).toBeLessThanOrEqual(2);
  });
});

function filled(keys: readonly string[], length: number): PairStore {
  const store = new PairStore(64 * 1024 * 1024, 'none', [1, 1]);
  for (const key of keys) store.write(write(key, 'v'.repeat(length)), NOW);
  return store;
}

function startCopy(store: PairStore, copied: CopiedPairs, time: { nowMicros(): number }): PartitionCopy {
  const partition = store.partition(PARTITION);
  if (partition === undefined) throw new RangeError('expected a partition with pairs');
  return new PartitionCopy(store, partition, time, copied);
}

function copyWhile(
  store: PairStore,
  change: () => void,
): { pairs: (EnginePair & EngineKey)[]; steps: number } {
  const copied = new CopiedPairs();
  const copy = startCopy(store, copied, clock);
  store.observer = copy;
  const pairs: (EnginePair & EngineKey)[] = [];
  let steps = 1;
  for (; !copy.step(); steps++) {
    change();
    pairs.push(...takeCopied(copied, change));
  }
  pairs.push(...takeCopied(copied, change));
  return { pairs, steps };
}

function lengthOf(store: PairStore, key: string): number | undefined {
  const length = store.peek(placed(key), NOW)?.value.data.length;
  return length === undefined ? undefined : length - 'new '.length;
}

function sorted(pairs: readonly (Pick<EnginePair, 'id' | 'value' | 'version'> | undefined)[]): string[] {
  return pairs.map((pair) => JSON.stringify([pair?.id, pair?.value.data, pair?.version])).sort();
}
