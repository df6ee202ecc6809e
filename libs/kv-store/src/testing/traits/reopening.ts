import { strict as assert } from 'node:assert';
import { binaryKey, binaryValue } from '@kvs/protocol';
import type { StorageEngine } from '../../engine/storage-engine.js';
import { get, has, numbered, read, remove, scanKeys, scanPairs, set, write } from '../pairs.js';
import type { EngineTestBench, Trait } from '../trait.js';

/** The promises of a durable engine across a restart. */
export const reopening: Trait = {
  title: 'reopening',
  tests: {
    'pairs are unchanged': async (bench) => {
      const key = binaryKey(Uint8Array.of(0, 0xff));
      const value = binaryValue(Uint8Array.of(0xff, 0));
      const expiresAtMs = bench.clock.nowMs() + 1000;
      const version = await set(bench.engine, write(key, value, { expiresAtMs }));
      await reopened(bench, async (engine) => {
        const entry = await get(engine, key);
        assert.deepEqual(entry?.value, value);
        assert.deepEqual([entry.version, entry.expiresAtMs], [version, expiresAtMs]);
      });
    },
    'scans and stats find them again': async (bench) => {
      const keys = numbered(50);
      await bench.engine.setMany(keys.map((key) => write(key)));
      await reopened(bench, async (engine) => {
        assert.deepEqual(await scanKeys(engine), [...keys].sort());
        assert.equal((await engine.stats()).pairCount, keys.length);
      });
    },
    'deleted pairs stay absent': async (bench) => {
      await bench.engine.setMany([write('gone'), write('stays')]);
      await remove(bench.engine, 'gone');
      await reopened(bench, async (engine) => assert.deepEqual(await scanKeys(engine), ['stays']));
    },
    'pairs that expired meanwhile are absent': async (bench) => {
      await set(bench.engine, write('key', 'v', { expiresAtMs: bench.clock.nowMs() + 10 }));
      await reopened(bench, async (engine) => {
        assert.equal(await has(engine, 'key'), true);
        bench.clock.advanceMs(10);
        assert.equal(await has(engine, 'key'), false);
        assert.deepEqual(await scanPairs(engine), []);
      });
    },
    'versions go on growing, also when the clock was set back': async (bench) => {
      const version = await set(bench.engine, write('key'));
      await reopened(bench, async (engine) => {
        bench.clock.advanceMs(-60_000);
        assert.equal(await set(engine, write('key', 'w', { ifVersion: version })), version + 1);
      });
    },
    'versions go on growing across a delete, also when the clock was set back': async (bench) => {
      const version = await set(bench.engine, write('key'));
      await remove(bench.engine, 'key');
      await reopened(bench, async (engine) => {
        bench.clock.advanceMs(-60_000);
        assert.ok((await set(engine, write('key'))) > version);
      });
    },
    'the last acknowledged write is there': async (bench) => {
      for (const value of numbered(20)) await set(bench.engine, write('key', value));
      await reopened(bench, async (engine) => assert.equal(await read(engine, 'key'), 'key-19'));
    },
  },
};

async function reopened(
  { engine, clock, options }: EngineTestBench,
  use: (engine: StorageEngine) => Promise<void>,
): Promise<void> {
  await engine.close();
  assert.ok(options.reopen !== undefined, 'registered only where reopen is given');
  const again = await options.reopen({ clock });
  try {
    await use(again);
  } finally {
    await again.close();
  }
}
