import { strict as assert } from 'node:assert';
import type { EngineFactory, StorageEngine } from '../../engine/storage-engine.js';
import { read, remove, scanKeys, set, write } from '../pairs.js';
import type { EngineTestBench, Trait } from '../trait.js';

/** Two engines that are open at the same time and do not say that they are shared. */
export const isolation: Trait = {
  title: 'isolation',
  tests: {
    'two engines share no pair': async (bench) => {
      await set(bench.engine, write('key'));
      await withSecond(bench, bench.options.create, async (second) => {
        assert.equal(await read(second, 'key'), undefined);
        await set(second, write('key', 'second'));
        assert.equal(await read(bench.engine, 'key'), 'v');
      });
    },
  },
};

/** Several engines that use the same pairs. */
export const sharing: Trait = {
  title: 'sharing',
  tests: {
    'a write through one engine is seen through the other': async (bench) => {
      await set(bench.engine, write('key', 'first'));
      await withAnother(bench, async (other) => {
        assert.equal(await read(other, 'key'), 'first');
        await set(other, write('key', 'second'));
        assert.equal(await read(bench.engine, 'key'), 'second');
        await remove(other, 'key');
        assert.deepEqual(await scanKeys(bench.engine), []);
      });
    },
    'of two engines that set an absent key under a condition, one succeeds': async (bench) => {
      await withAnother(bench, async (other) => {
        const item = write('key', 'v', { ifVersion: 0 });
        const outcomes = await Promise.all([bench.engine, other].map((engine) => engine.setMany([item])));
        const statuses = outcomes.flat().map(({ status }) => status);
        assert.deepEqual(statuses.sort(), ['version_mismatch', 'written']);
      });
    },
    'versions grow across engines': async (bench) => {
      await withAnother(bench, async (other) => {
        const first = await set(bench.engine, write('key'));
        const second = await set(other, write('key'));
        assert.ok(second > first);
        assert.ok((await set(bench.engine, write('key'))) > second);
      });
    },
    'closing one engine leaves the pairs to the other': async (bench) => {
      await set(bench.engine, write('key', 'v'));
      await withAnother(bench, async (other) => {
        await bench.engine.close();
        assert.equal(await read(other, 'key'), 'v');
      });
    },
  },
};

async function withAnother(
  bench: EngineTestBench,
  use: (other: StorageEngine) => Promise<void>,
): Promise<void> {
  const { openAnother } = bench.options;
  assert.ok(openAnother !== undefined, 'registered only where openAnother is given');
  await withSecond(bench, openAnother, use);
}

async function withSecond(
  { clock }: EngineTestBench,
  open: EngineFactory,
  use: (second: StorageEngine) => Promise<void>,
): Promise<void> {
  const second = await open({ clock });
  try {
    await use(second);
  } finally {
    await second.close();
  }
}
