import { strict as assert } from 'node:assert';
import { setImmediate } from 'node:timers/promises';
import type { EngineWriteOutcome } from '../../engine/engine-data.js';
import { capabilitiesOf, type StorageEngine } from '../../engine/storage-engine.js';
import { attempt, get, has, placed, read, remove, scanKeys, set, write } from '../pairs.js';
import type { EngineTestBench, Trait } from '../trait.js';

/** So large that a few thousand of them fill the smallest sensible engine. */
const VALUE = 'v'.repeat(2000);
const MAX_BYTES = 4 * 1024 * 1024;
/** More than fit, whatever the overhead of the engine. */
const PAIRS = 5000;

/** The promises of an engine with a limit. */
export const limits: Trait = {
  title: 'limits',
  tests: {
    'its pairs stay within its limit, and stats say so': async (bench) => {
      await full(bench, async (engine) => {
        const { usedBytes, maxBytes } = await engine.stats();
        assert.ok(usedBytes !== undefined && maxBytes !== undefined);
        assert.ok(usedBytes <= maxBytes && usedBytes > maxBytes / 2);
      });
    },
    'a full engine refuses a write with out_of_memory, or evicts pairs': async (bench) => {
      await full(bench, async (engine) => {
        const { status } = await attempt(engine, write('one more', VALUE));
        const { evicts } = capabilitiesOf(engine);
        assert.equal(status, evicts ? 'written' : 'out_of_memory');
        assert.equal(await has(engine, 'one more'), evicts);
      });
    },
    'a refused write changes nothing': async (bench) => {
      await full(bench, async (engine) => {
        if (capabilitiesOf(engine).evicts) return;
        const before = await get(engine, 'key-0');
        const tooLarge = write('key-0', 'w'.repeat(MAX_BYTES));
        assert.equal((await attempt(engine, tooLarge)).status, 'out_of_memory');
        assert.deepEqual(await get(engine, 'key-0'), before);
      });
    },
    'a pair that is larger than the limit is refused, and no other is evicted for it': async (bench) => {
      await full(bench, async (engine) => {
        const { pairCount } = await engine.stats();
        const { status } = await attempt(engine, write('huge', 'v'.repeat(2 * MAX_BYTES)));
        assert.equal(status, 'out_of_memory');
        assert.equal((await engine.stats()).pairCount, pairCount);
      });
    },
    'a condition comes before the limit': async (bench) => {
      await full(bench, async (engine) => {
        const { status } = await attempt(engine, write('absent', VALUE, { ifVersion: 1 }));
        assert.equal(status, 'version_mismatch');
      });
    },
    'reads, scans and deletes work at the limit': async (bench) => {
      await full(bench, async (engine) => {
        const keys = await scanKeys(engine);
        const [key] = keys;
        assert.ok(key !== undefined);
        assert.equal(await read(engine, key), VALUE);
        assert.equal(await remove(engine, key), 'deleted');
        assert.deepEqual(await scanKeys(engine), keys.slice(1));
      });
    },
    'an overwrite that shrinks works at the limit': async (bench) => {
      await full(bench, async (engine) => {
        const [key] = await scanKeys(engine);
        assert.ok(key !== undefined);
        for (const value of [VALUE, VALUE.slice(1), 'v', '']) {
          await set(engine, write(key, value));
          assert.equal(await read(engine, key), value);
        }
      });
    },
    'deletes free memory, also for pairs of another size': async (bench) => {
      await full(bench, async (engine) => {
        for (const key of await scanKeys(engine)) await remove(engine, key);
        await set(engine, write('large', 'v'.repeat(MAX_BYTES / 2)));
        await remove(engine, 'large');
        await set(engine, write('small'));
      });
    },
    'the version of an evicted pair does not come again': async (bench) => {
      await bounded(bench, async (engine) => {
        const version = await set(engine, write('key', VALUE));
        await fill(engine);
        bench.clock.advanceMs(-60_000);
        if (!(await has(engine, 'key'))) assert.ok((await set(engine, write('key', VALUE))) > version);
      });
    },
  },
};

async function full(bench: EngineTestBench, use: (engine: StorageEngine) => Promise<void>): Promise<void> {
  await bounded(bench, async (engine) => {
    await fill(engine);
    await use(engine);
  });
}

async function fill(engine: StorageEngine): Promise<void> {
  const outcomes: EngineWriteOutcome[] = [];
  for (let i = 0; i < PAIRS; i += 100) {
    const keys = Array.from({ length: 100 }, (_, index) => `key-${i + index}`);
    outcomes.push(...(await engine.setMany(keys.map((key) => write(key, VALUE)))));
    await setImmediate();
  }
  const refused = outcomes.some(({ status }) => status === 'out_of_memory');
  assert.equal(refused, !capabilitiesOf(engine).evicts);
  const [last] = await engine.hasMany([placed(`key-${PAIRS - 1}`)]);
  assert.equal(last?.status, refused ? 'absent' : 'present');
}

async function bounded(
  { clock, options }: EngineTestBench,
  use: (engine: StorageEngine) => Promise<void>,
): Promise<void> {
  assert.ok(options.createBounded !== undefined, 'registered only where createBounded is given');
  const engine = await options.createBounded({ clock, maxBytes: MAX_BYTES });
  try {
    await use(engine);
  } finally {
    await engine.close();
  }
}
