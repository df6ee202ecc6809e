import { strict as assert } from 'node:assert';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { numbered, placed, read, removal, scanKeys, set, versionOf, write } from '../pairs.js';
import type { Trait } from '../trait.js';

export const batches: Trait = {
  title: 'batches',
  tests: {
    'no items have no outcomes': async ({ engine }) => {
      assert.deepEqual(await engine.getMany([]), []);
      assert.deepEqual(await engine.hasMany([]), []);
      assert.deepEqual(await engine.setMany([]), []);
      assert.deepEqual(await engine.deleteMany([]), []);
    },
    'outcomes come in the order of the items': async ({ engine }) => {
      await engine.setMany([write('a', '1'), write('c', '3')]);
      const asked = [placed('c'), placed('b'), placed('a')];
      const read = await engine.getMany(asked);
      assert.deepEqual(
        read.map((outcome) => (outcome.status === 'found' ? outcome.value.data : outcome.status)),
        ['3', 'absent', '1'],
      );
      assert.deepEqual(statuses(await engine.hasMany(asked)), ['present', 'absent', 'present']);
      assert.deepEqual(statuses(await engine.deleteMany([removal('b'), removal('c')])), [
        'absent',
        'deleted',
      ]);
    },
    'a key that is asked for twice is answered twice': async ({ engine }) => {
      await set(engine, write('key'));
      const twice = [placed('key'), placed('key')];
      assert.deepEqual(statuses(await engine.getMany(twice)), ['found', 'found']);
      assert.deepEqual(statuses(await engine.hasMany(twice)), ['present', 'present']);
    },
    'of two writes of a key the last wins, with the higher version': async ({ engine }) => {
      const [first, second] = await engine.setMany([write('key', 'first'), write('key', 'last')]);
      assert.equal(await read(engine, 'key'), 'last');
      assert.ok(versionOf(second) > versionOf(first));
    },
    'of two deletes of a key only the first deletes': async ({ engine }) => {
      await set(engine, write('key'));
      assert.deepEqual(statuses(await engine.deleteMany([removal('key'), removal('key')])), [
        'deleted',
        'absent',
      ]);
    },
    'an item sees what the items before it did': async ({ engine }) => {
      const version = await set(engine, write('key', 'old'));
      const outcomes = await engine.setMany([
        write('key', 'new', { ifVersion: version }),
        write('key', 'newer', { ifVersion: version }),
        write('other', 'first', { ifVersion: 0 }),
        write('other', 'second', { ifVersion: 0 }),
      ]);
      assert.deepEqual(statuses(outcomes), ['written', 'version_mismatch', 'written', 'version_mismatch']);
      assert.equal(await read(engine, 'key'), 'new');
      assert.equal(await read(engine, 'other'), 'first');
    },
    'a failed item does not affect the others': async ({ engine }) => {
      const version = await set(engine, write('b'));
      const writes = [write('a'), write('b', 'w', { ifVersion: 1 }), write('c')];
      assert.deepEqual(statuses(await engine.setMany(writes)), ['written', 'version_mismatch', 'written']);
      const deletes = [removal('a'), removal('b', { ifVersion: version + 1 }), removal('c')];
      assert.deepEqual(statuses(await engine.deleteMany(deletes)), [
        'deleted',
        'version_mismatch',
        'deleted',
      ]);
      assert.deepEqual(await scanKeys(engine), ['b']);
    },
    'one batch may go to many partitions': async ({ engine }) => {
      const partitions = [0, 1, 2048, 4095];
      await engine.setMany(partitions.map((partition) => write(`in ${partition}`, 'v', { partition })));
      for (const partition of partitions)
        assert.deepEqual(await scanKeys(engine, [partition]), [`in ${partition}`]);
    },
    'a batch of maximum length is applied completely': async ({ engine }) => {
      const keys = numbered(DEFAULT_LIMITS.maxBatchItems);
      const outcomes = await engine.setMany(
        keys.map((key, index) => write(key, key, { partition: index % 16 })),
      );
      assert.ok(outcomes.every(({ status }) => status === 'written'));
      const read = await engine.getMany(keys.map((key, index) => placed(key, index % 16)));
      assert.deepEqual(
        read.map((outcome) => (outcome.status === 'found' ? outcome.value.data : outcome.status)),
        keys,
      );
    },
    'the caller may change its arrays and objects afterwards': async ({ engine }) => {
      const item = { ...write('key', 'kept') };
      const batch = [item];
      await engine.setMany(batch);
      Object.assign(item, write('other', 'changed'));
      batch.length = 0;
      assert.equal(await read(engine, 'key'), 'kept');
    },
  },
};

function statuses(outcomes: readonly { readonly status: string }[]): string[] {
  return outcomes.map(({ status }) => status);
}
