import { strict as assert } from 'node:assert';
import { binaryKey, stringValue } from '@kvs/protocol';
import { SCAN_CHUNK_PAIRS, SCAN_CHUNK_UNITS } from '../../engine/storage-engine.js';
import {
  numbered,
  PARTITION,
  removal,
  scanChunks,
  scanKeys,
  scanPairs,
  set,
  spread,
  write,
} from '../pairs.js';
import type { EngineTestBench, Trait } from '../trait.js';

export const scans: Trait = {
  title: 'scans',
  tests: {
    'an empty engine, an empty partition and no partitions have nothing': async ({ engine }) => {
      assert.deepEqual(await scanChunks(engine, [0, PARTITION, 4095]), []);
      await set(engine, write('key'));
      assert.deepEqual(await scanChunks(engine, [0]), []);
      assert.deepEqual(await scanChunks(engine, []), []);
      await engine.deleteMany([removal('key')]);
      assert.deepEqual(await scanChunks(engine, [PARTITION]), []);
    },
    'each pair comes once, with value, version and deadline': async ({ engine, clock }) => {
      const expiresAtMs = clock.nowMs() + 1000;
      const item = write('key', 'value', { expiresAtMs });
      const version = await set(engine, item);
      assert.deepEqual((await scanPairs(engine)).map(plain), [
        { id: item.id, value: item.value, version, expiresAtMs },
      ]);
    },
    'only the partitions that were asked for come, in ascending order': async ({ engine }) => {
      const everywhere = [4095, 0, 9, 2048, 8, 7];
      await engine.setMany(everywhere.map((partition) => write(`in ${partition}`, 'v', { partition })));
      const chunks = await scanChunks(engine, [0, 8, 100, 4095]);
      assert.deepEqual(
        chunks.map(({ partition, pairs }) => [partition, pairs.map(({ id }) => id)]),
        [
          [0, ['sin 0']],
          [8, ['sin 8']],
          [4095, ['sin 4095']],
        ],
      );
    },
    'a scan can continue at any partition': async ({ engine }) => {
      const partitions = [1, 2, 3, 4];
      await engine.setMany(
        partitions.flatMap((partition) =>
          numbered(3, `${partition}`).map((key) => write(key, 'v', { partition })),
        ),
      );
      const before = await scanKeys(engine, partitions.slice(0, 2));
      await engine.setMany([write('new', 'v', { partition: 1 })]);
      const after = await scanKeys(engine, partitions.slice(2));
      assert.deepEqual(
        [...before, ...after],
        partitions.flatMap((partition) => numbered(3, `${partition}`)),
      );
    },
    'a large partition comes in chunks of bounded count': async ({ engine }) => {
      const keys = numbered(2 * SCAN_CHUNK_PAIRS + 500);
      await engine.setMany(keys.map((key) => write(key)));
      const chunks = await scanChunks(engine, [PARTITION]);
      assert.ok(chunks.length >= 3);
      assert.ok(chunks.every(({ pairs }) => pairs.length <= SCAN_CHUNK_PAIRS));
      assert.deepEqual(await scanKeys(engine), [...keys].sort());
    },
    'large values come in chunks of bounded size': async ({ engine }) => {
      const value = stringValue('v'.repeat(SCAN_CHUNK_UNITS / 4));
      await engine.setMany(numbered(20).map((key) => write(key, value)));
      const chunks = await scanChunks(engine, [PARTITION]);
      assert.ok(chunks.every(({ pairs }) => pairs.length <= 4));
      assert.equal(chunks.flatMap(({ pairs }) => pairs).length, 20);
    },
    'a prefix selects string keys by their text': (bench) =>
      selects(bench, 'suser:1', ['user:1', 'user:10', 'user:1\u00e9']),
    'a prefix may have any Unicode': (bench) => selects(bench, 's日', ['日', '日本']),
    'a prefix selects binary keys by their bytes': (bench) => selects(bench, 'bab', ['ab', 'abcd']),
    'a prefix without data selects an encoding': async (bench) => {
      await selects(bench, 'b', ['ab', 'abcd', 'ba']);
      assert.equal((await scanPairs(bench.engine, [PARTITION], { idPrefix: 's' })).length, 8);
    },
    'a prefix without a match selects nothing': (bench) => selects(bench, 'sz', []),
    'a prefix selects keys in a large partition too': async ({ engine }) => {
      await engine.setMany(numbered(2 * SCAN_CHUNK_PAIRS).map((key) => write(key)));
      assert.deepEqual(await scanKeys(engine, [PARTITION], { idPrefix: 'skey-1999' }), ['key-1999']);
      assert.equal((await scanKeys(engine, [PARTITION], { idPrefix: 'skey-1' })).length, 1111);
    },
    'a scan that finds nothing for long has empty chunks, at which it can end early': async ({ engine }) => {
      const partitions = await spread(engine);
      const steps = async (maxSteps: number): Promise<number> => {
        let count = 0;
        for await (const { pairs } of engine.scan(partitions, { idPrefix: 'snone' })) {
          assert.deepEqual(pairs, []);
          if (++count === maxSteps) break;
        }
        return count;
      };
      assert.equal(await steps(1), 1);
      assert.ok((await steps(Infinity)) > 1);
    },
    'a scan that ends early leaves the engine unchanged': async ({ engine }) => {
      await engine.setMany(numbered(2 * SCAN_CHUNK_PAIRS).map((key) => write(key)));
      for await (const { pairs } of engine.scan([PARTITION])) {
        assert.ok(pairs.length > 0);
        break;
      }
      assert.equal((await scanPairs(engine)).length, 2 * SCAN_CHUNK_PAIRS);
      await set(engine, write('another'));
    },
    'a scan that is never begun costs nothing': async ({ engine }) => {
      engine.scan([PARTITION]);
      await set(engine, write('key'));
      assert.deepEqual(await scanKeys(engine), ['key']);
    },
    'nothing is read before the first step': async ({ engine }) => {
      const scan = engine.scan([PARTITION]);
      await set(engine, write('key'));
      const seen: string[] = [];
      for await (const { pairs } of scan) seen.push(...pairs.map(({ id }) => id));
      assert.deepEqual(seen, ['skey']);
    },
  },
};

const PREFIX_KEYS = ['user', 'user:1', 'user:10', 'user:1\u00e9', 'user:2', 'User:1', '日', '日本'];
const PREFIX_BYTES = [[0xab], [0xab, 0xcd], [0xba]];

async function selects(
  { engine }: EngineTestBench,
  idPrefix: string,
  expected: readonly string[],
): Promise<void> {
  const keys = [...PREFIX_KEYS, ...PREFIX_BYTES.map((bytes) => binaryKey(Uint8Array.from(bytes)))];
  await engine.setMany(keys.map((key) => write(key)));
  assert.deepEqual(await scanKeys(engine, [PARTITION], { idPrefix }), [...expected].sort());
}

function plain({
  id,
  value,
  version,
  expiresAtMs,
}: {
  id: unknown;
  value: unknown;
  version: number;
  expiresAtMs: unknown;
}) {
  return { id, value, version, expiresAtMs };
}
