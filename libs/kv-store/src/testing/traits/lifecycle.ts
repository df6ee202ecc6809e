import { strict as assert } from 'node:assert';
import { KvsError } from '@kvs/protocol';
import { numbered, PARTITION, placed, removal, scanChunks, set, versionOf, write } from '../pairs.js';
import { SCAN_CHUNK_PAIRS } from '../../engine/storage-engine.js';
import type { Trait } from '../trait.js';

export const lifecycle: Trait = {
  title: 'lifecycle',
  tests: {
    'after close every operation fails with engine_unavailable': async ({ engine }) => {
      await set(engine, write('key'));
      await engine.close();
      await isUnavailable(() => engine.getMany([placed('key')]));
      await isUnavailable(() => engine.hasMany([placed('key')]));
      await isUnavailable(() => engine.setMany([write('key')]));
      await isUnavailable(() => engine.deleteMany([removal('key')]));
      await isUnavailable(() => engine.stats());
      await isUnavailable(() => scanChunks(engine, [PARTITION]));
    },
    'after close an empty batch fails too': async ({ engine }) => {
      await engine.close();
      await isUnavailable(() => engine.getMany([]));
      await isUnavailable(() => engine.setMany([]));
      await isUnavailable(() => scanChunks(engine, []));
    },
    'closing twice is closing once': async ({ engine }) => {
      await Promise.all([engine.close(), engine.close()]);
      await engine.close();
    },
    'a write in flight when close is called is finished first': async ({ engine }) => {
      const writing = Promise.resolve(engine.setMany([write('key')])).then(([outcome]) => versionOf(outcome));
      await engine.close();
      // The answer has come, or it comes before any other turn of the event loop.
      const isLate = new Promise((resolve) => void setImmediate(() => resolve('late')));
      assert.equal(typeof (await Promise.race([writing, isLate])), 'number');
    },
    'a scan that is open when the engine closes fails rather than ends': async ({ engine }) => {
      await engine.setMany(numbered(3 * SCAN_CHUNK_PAIRS).map((key) => write(key)));
      const scan = engine.scan([PARTITION])[Symbol.asyncIterator]();
      assert.equal((await scan.next()).done, false);
      await engine.close();
      await isUnavailable(async () => {
        while ((await scan.next()).done !== true);
      });
    },
  },
};

/** Fails unless the call throws or rejects with `engine_unavailable`. */
export async function isUnavailable(call: () => unknown): Promise<void> {
  const outcome = await settle(call);
  assert.ok(outcome instanceof Error, 'expected a failure');
  assertUnavailable(outcome);
}

function assertUnavailable(error: Error): void {
  assert.ok(error instanceof KvsError, `expected a KvsError, not ${error}`);
  assert.equal(error.code, 'engine_unavailable');
}

/** Returns the answer or the error, thrown or rejected. */
async function settle<T>(call: () => T): Promise<Awaited<T> | Error> {
  try {
    return await call();
  } catch (error) {
    assert.ok(error instanceof Error, `expected an Error, not ${String(error)}`);
    return error;
  }
}
