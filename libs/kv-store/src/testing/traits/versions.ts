import { strict as assert } from 'node:assert';
import type { EngineWrite } from '../../engine/engine-data.js';
import type { StorageEngine } from '../../engine/storage-engine.js';
import { attempt, createdOf, get, has, numbered, read, remove, removal, set, write } from '../pairs.js';
import type { Trait } from '../trait.js';

const MINUTE_MICROS = 60_000_000;

export const versions: Trait = {
  title: 'versions and conditions',
  tests: {
    'a first write has the time in microseconds as its version': async ({ engine, clock }) => {
      assert.equal(await set(engine, write('key')), clock.nowMicros());
    },
    'the version of a write is the one that is read': async ({ engine }) => {
      const version = await set(engine, write('key'));
      assert.equal((await get(engine, 'key'))?.version, version);
    },
    'versions follow the clock': async ({ engine, clock }) => {
      await set(engine, write('key'));
      clock.advanceMicros(MINUTE_MICROS);
      assert.equal(await set(engine, write('key')), clock.nowMicros());
    },
    'versions grow by one while the clock stands still': async ({ engine, clock }) => {
      for (let i = 0; i < 3; i++) assert.equal(await set(engine, write('key')), clock.nowMicros() + i);
    },
    'versions grow when the clock is set back': async ({ engine, clock }) => {
      const version = await set(engine, write('key'));
      clock.advanceMicros(-MINUTE_MICROS);
      assert.equal(await set(engine, write('key')), version + 1);
    },
    'versions grow across a delete while the clock stands still': async ({ engine }) => {
      await growsAfter(engine, () => remove(engine, 'key'));
    },
    'versions grow across a delete when the clock is set back': async ({ engine, clock }) => {
      await growsAfter(engine, async () => {
        await remove(engine, 'key');
        clock.advanceMicros(-MINUTE_MICROS);
      });
    },
    'versions grow across an expiry, met or not, when the clock is set back': async ({ engine, clock }) => {
      for (const key of ['met', 'unmet']) {
        const start = clock.nowMicros();
        const version = await set(engine, write(key, 'v', { expiresAtMs: clock.nowMs() + 1 }));
        clock.advanceMs(1);
        if (key === 'met') assert.equal(await has(engine, key), false);
        clock.setMicros(start);
        assert.ok((await set(engine, write(key))) > version);
      }
    },
    'versions grow across many deletes and writes of many keys': async ({ engine, clock }) => {
      const seen = new Map<string, number>();
      for (let round = 0; round < 20; round++) {
        clock.advanceMicros(round % 3 === 0 ? -5 : 2);
        for (const key of numbered(5)) {
          const version = await set(engine, write(key));
          assert.ok(version > (seen.get(key) ?? 0));
          seen.set(key, version);
          if (round % 2 === 0) await remove(engine, key);
        }
      }
    },
    'a write says whether it created the pair': async ({ engine }) => {
      assert.equal(await creates(engine, write('key')), true);
      assert.equal(await creates(engine, write('key')), false);
      const version = await set(engine, write('key'));
      assert.equal(await creates(engine, write('key', 'v', { ifVersion: version })), false);
      await remove(engine, 'key');
      assert.equal(await creates(engine, write('key', 'v', { ifVersion: 0 })), true);
    },
    'of several writes of an absent key the first creates it': async ({ engine }) => {
      const outcomes = await engine.setMany([write('a'), write('b'), write('a'), write('b')]);
      assert.deepEqual(outcomes.map(createdOf), [true, true, false, false]);
    },
    'if_version 0 writes an absent key only': async ({ engine }) => {
      const version = await set(engine, write('key', 'first', { ifVersion: 0 }));
      assert.deepEqual(await attempt(engine, write('key', 'second', { ifVersion: 0 })), mismatch(version));
      assert.equal(await read(engine, 'key'), 'first');
      await remove(engine, 'key');
      await set(engine, write('key', 'third', { ifVersion: 0 }));
    },
    'if_version n writes that version only': async ({ engine }) => {
      const first = await set(engine, write('key', 'first'));
      const second = await set(engine, write('key', 'second', { ifVersion: first }));
      assert.deepEqual(await attempt(engine, write('key', 'third', { ifVersion: first })), mismatch(second));
      assert.deepEqual(
        await attempt(engine, write('key', 'third', { ifVersion: second + 1 })),
        mismatch(second),
      );
      assert.equal(await read(engine, 'key'), 'second');
    },
    'if_version n never writes an absent key': async ({ engine }) => {
      const version = await set(engine, write('gone'));
      await remove(engine, 'gone');
      assert.deepEqual(await attempt(engine, write('gone', 'v', { ifVersion: version })), mismatch(0));
      assert.deepEqual(await attempt(engine, write('never', 'v', { ifVersion: 1 })), mismatch(0));
      assert.equal(await has(engine, 'gone'), false);
    },
    'a refused write leaves value, version and expiry as they were': async ({ engine, clock }) => {
      await set(engine, write('key', 'v', { expiresAtMs: clock.nowMs() + 1000 }));
      const before = await get(engine, 'key');
      clock.advanceMs(10);
      await attempt(engine, write('key', 'w', { ifVersion: 1 }));
      assert.deepEqual(await get(engine, 'key'), before);
    },
    'a delete with a condition deletes that version only': async ({ engine }) => {
      const version = await set(engine, write('key'));
      for (const ifVersion of [0, version - 1, version + 1]) {
        assert.deepEqual(await engine.deleteMany([removal('key', { ifVersion })]), [mismatch(version)]);
      }
      assert.equal(await remove(engine, 'key', { ifVersion: version }), 'deleted');
    },
    'a delete of an absent key succeeds, unless its condition names a version': async ({ engine }) => {
      assert.equal(await remove(engine, 'key'), 'absent');
      assert.equal(await remove(engine, 'key', { ifVersion: 0 }), 'absent');
      assert.deepEqual(await engine.deleteMany([removal('key', { ifVersion: 3 })]), [mismatch(0)]);
    },
    'of several writers with the same condition one wins': async ({ engine }) => {
      for (const ifVersion of [0, await set(engine, write('present'))]) {
        const key = ifVersion === 0 ? 'absent' : 'present';
        const outcomes = await Promise.all(
          numbered(8).map((value) => attempt(engine, write(key, value, { ifVersion }))),
        );
        const winner = outcomes.findIndex(({ status }) => status === 'written');
        assert.deepEqual(outcomes.map(({ status }) => status).sort(), [
          'version_mismatch',
          'version_mismatch',
          'version_mismatch',
          'version_mismatch',
          'version_mismatch',
          'version_mismatch',
          'version_mismatch',
          'written',
        ]);
        assert.equal(await read(engine, key), `key-${winner}`);
      }
    },
    'increments by compare-and-set are never lost': async ({ engine }) => {
      await Promise.all(numbered(4).map(() => increment(engine, 'counter', 5)));
      assert.equal(await read(engine, 'counter'), '20');
    },
  },
};

async function creates(engine: StorageEngine, item: EngineWrite): Promise<boolean> {
  return createdOf(await attempt(engine, item));
}

function mismatch(actualVersion: number) {
  return { status: 'version_mismatch', actualVersion };
}

async function growsAfter(engine: StorageEngine, change: () => Promise<unknown>): Promise<void> {
  await set(engine, write('key'));
  const version = await set(engine, write('key'));
  await change();
  assert.ok((await set(engine, write('key'))) > version);
}

async function increment(engine: StorageEngine, key: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const entry = await get(engine, key);
    const next = String(Number(entry?.value.data ?? 0) + 1);
    const { status } = await attempt(engine, write(key, next, { ifVersion: entry?.version ?? 0 }));
    if (status === 'written') done++;
  }
}
