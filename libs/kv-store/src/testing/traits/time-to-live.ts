import { strict as assert } from 'node:assert';
import { attempt, createdOf, get, has, placed, read, remove, scanKeys, set, write } from '../pairs.js';
import type { EngineTestBench, Trait } from '../trait.js';

export const timeToLive: Trait = {
  title: 'time to live',
  tests: {
    'a pair is present until the last microsecond of its time to live': async (bench) => {
      await setToLive(bench, 'key', 50);
      bench.clock.advanceMicros(49_999);
      assert.equal(await read(bench.engine, 'key'), 'v');
      assert.equal(await has(bench.engine, 'key'), true);
      assert.deepEqual(await scanKeys(bench.engine), ['key']);
    },
    'a pair is absent to a read from the moment it expires': async (bench) => {
      await setToLive(bench, 'key', 50);
      bench.clock.advanceMs(50);
      assert.equal(await read(bench.engine, 'key'), undefined);
    },
    'a pair is absent to a query from the moment it expires': async (bench) => {
      await setToLive(bench, 'key', 50);
      bench.clock.advanceMs(50);
      assert.equal(await has(bench.engine, 'key'), false);
    },
    'a pair is absent to a scan from the moment it expires': async (bench) => {
      await setToLive(bench, 'key', 50);
      await set(bench.engine, write('stays'));
      bench.clock.advanceMs(50);
      assert.deepEqual(await scanKeys(bench.engine), ['stays']);
    },
    'a pair is absent to a delete from the moment it expires': async (bench) => {
      const version = await setToLive(bench, 'key', 50);
      bench.clock.advanceMs(50);
      assert.equal(await remove(bench.engine, 'key', { ifVersion: version }), 'version_mismatch');
      assert.equal(await remove(bench.engine, 'key'), 'absent');
    },
    'a pair is absent to a condition from the moment it expires': async (bench) => {
      const version = await setToLive(bench, 'key', 50);
      bench.clock.advanceMs(50);
      const refused = await attempt(bench.engine, write('key', 'w', { ifVersion: version }));
      assert.deepEqual(refused, { status: 'version_mismatch', actualVersion: 0 });
      await set(bench.engine, write('key', 'w', { ifVersion: 0 }));
      assert.equal(await read(bench.engine, 'key'), 'w');
    },
    'a write over an expired pair creates the pair': async (bench) => {
      await setToLive(bench, 'key', 50);
      bench.clock.advanceMicros(49_999);
      assert.equal(createdOf(await attempt(bench.engine, write('key'))), false);
      await setToLive(bench, 'key', 50);
      bench.clock.advanceMs(50);
      assert.equal(createdOf(await attempt(bench.engine, write('key'))), true);
    },
    'the deadline comes back as it was set': async (bench) => {
      const expiresAtMs = bench.clock.nowMs() + 1234;
      await set(bench.engine, write('key', 'v', { expiresAtMs }));
      bench.clock.advanceMs(234);
      assert.equal((await get(bench.engine, 'key'))?.expiresAtMs, expiresAtMs);
      await set(bench.engine, write('stays'));
      assert.equal((await get(bench.engine, 'stays'))?.expiresAtMs, undefined);
    },
    'the furthest deadline never comes': async ({ engine, clock }) => {
      await set(engine, write('key', 'v', { expiresAtMs: Number.MAX_SAFE_INTEGER }));
      clock.advanceMs(100 * 365 * 24 * 3600 * 1000);
      assert.equal((await get(engine, 'key'))?.expiresAtMs, Number.MAX_SAFE_INTEGER);
    },
    'a write with a past deadline gets a version and is absent': async ({ engine, clock }) => {
      const version = await set(engine, write('key', 'v', { expiresAtMs: clock.nowMs() }));
      assert.equal(await has(engine, 'key'), false);
      assert.ok((await set(engine, write('key', 'w', { ifVersion: 0 }))) > version);
    },
    'an overwrite without a deadline removes the deadline': async (bench) => {
      await setToLive(bench, 'key', 50);
      await set(bench.engine, write('key', 'w'));
      bench.clock.advanceMs(50);
      assert.equal(await read(bench.engine, 'key'), 'w');
    },
    'an overwrite has its own deadline, sooner or later': async (bench) => {
      await setToLive(bench, 'sooner', 50);
      await setToLive(bench, 'sooner', 20);
      await setToLive(bench, 'later', 50);
      await setToLive(bench, 'later', 90);
      bench.clock.advanceMs(50);
      assert.equal(await has(bench.engine, 'sooner'), false);
      assert.equal(await has(bench.engine, 'later'), true);
    },
    'a key set again after it expired has nothing of the old pair': async (bench) => {
      await setToLive(bench, 'key', 50);
      bench.clock.advanceMs(50);
      await set(bench.engine, write('key', 'new'));
      bench.clock.advanceMs(50);
      assert.equal(await read(bench.engine, 'key'), 'new');
    },
    'each pair of a batch has its own deadline': async ({ engine, clock }) => {
      const now = clock.nowMs();
      await engine.setMany([1, 2, 3].map((ms) => write(`${ms}`, 'v', { expiresAtMs: now + ms })));
      clock.advanceMs(2);
      const outcomes = await engine.getMany(['1', '2', '3'].map((key) => placed(key)));
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['absent', 'absent', 'found'],
      );
    },
  },
};

function setToLive({ engine, clock }: EngineTestBench, key: string, ms: number): Promise<number> {
  return set(engine, write(key, 'v', { expiresAtMs: clock.nowMs() + ms }));
}
