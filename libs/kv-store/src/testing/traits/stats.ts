import { strict as assert } from 'node:assert';
import type { StorageEngine } from '../../engine/storage-engine.js';
import { numbered, remove, set, write } from '../pairs.js';
import type { Trait } from '../trait.js';

export const stats: Trait = {
  title: 'stats',
  tests: {
    'an engine has a name': async ({ engine }) => {
      assert.match(engine.name, /^[a-z][a-z0-9-]*$/);
    },
    'a new engine has no pairs': async ({ engine }) => {
      await holds(engine, 0, 0);
    },
    'pairs count once, however often they are written': async ({ engine }) => {
      await set(engine, write('key', 'a'));
      await set(engine, write('key', 'b'));
      await set(engine, write('other', 'c'));
      await holds(engine, 2, 1);
    },
    'deleted pairs do not count': async ({ engine }) => {
      await engine.setMany([write('a'), write('b'), write('c', 'v', { partition: 8 })]);
      await remove(engine, 'a');
      await remove(engine, 'a');
      await remove(engine, 'c', { partition: 8 });
      await holds(engine, 1, 1);
    },
    'partitions with a pair count': async ({ engine }) => {
      await engine.setMany(
        numbered(30).map((key, index) => write(key, 'v', { partition: (index % 10) * 400 })),
      );
      await holds(engine, 30, 10);
    },
    'reads and refused writes do not count': async ({ engine }) => {
      await engine.getMany([write('a')]);
      await engine.setMany([write('a', 'v', { ifVersion: 1 })]);
      await engine.deleteMany([write('b')]);
      await holds(engine, 0, 0);
    },
    'bytes are numbers of bytes, if the engine counts them': async ({ engine }) => {
      await set(engine, write('key', 'v'.repeat(1000)));
      const { usedBytes, maxBytes } = await engine.stats();
      if (usedBytes !== undefined) assert.ok(usedBytes >= 1000);
      if (usedBytes !== undefined && maxBytes !== undefined) assert.ok(usedBytes <= maxBytes);
    },
  },
};

async function holds(engine: StorageEngine, pairs: number, partitions: number): Promise<void> {
  const { pairCount, partitionCount } = await engine.stats();
  assert.deepEqual({ pairCount, partitionCount }, { pairCount: pairs, partitionCount: partitions });
}
