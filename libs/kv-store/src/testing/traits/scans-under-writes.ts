import { strict as assert } from 'node:assert';
import { stat } from 'node:fs/promises';
import type { EngineChunk } from '../../engine/engine-data.js';
import { SCAN_CHUNK_PAIRS, type StorageEngine } from '../../engine/storage-engine.js';
import { has, keyData, numbered, PARTITION, removal, scanKeys, set, write } from '../pairs.js';
import { seededRandom } from '../seeded-random.js';
import type { Trait } from '../trait.js';

/** Enough for several chunks, so that writes happen between the steps of a scan. */
const KEYS = numbered(2 * SCAN_CHUNK_PAIRS + 500);
const OTHER_PARTITION = PARTITION + 1;

export const scansUnderWrites: Trait = {
  title: 'scans while pairs are written',
  tests: {
    'overwrites neither repeat nor lose a pair': async ({ engine }) => {
      const seen = await scanMeanwhile(engine, () => engine.setMany(KEYS.map((key) => write(key, 'new'))));
      assert.deepEqual(seen, sorted(KEYS));
    },
    'a pair comes with a value that it had during the scan': async ({ engine }) => {
      await fill(engine);
      await engine.setMany(KEYS.map((key) => write(key, 'at the start')));
      let step = 0;
      for await (const { pairs } of engine.scan([PARTITION])) {
        step += 1;
        assert.ok(
          pairs.every(({ value }) => value.data === 'at the start' || value.data.startsWith('during')),
        );
        await engine.setMany(KEYS.map((key) => write(key, `during ${step}`)));
      }
    },
    'deletes do not hide the pairs that stay': async ({ engine }) => {
      const gone = KEYS.filter(isEven);
      const seen = await scanMeanwhile(engine, () => engine.deleteMany(gone.map((key) => removal(key))));
      assertOnceEach(seen);
      assert.deepEqual(missing(KEYS.filter(isOdd), seen), []);
    },
    'pairs deleted and set again neither come twice nor hide others': async ({ engine }) => {
      const renewed = KEYS.filter(isEven);
      const seen = await scanMeanwhile(engine, async () => {
        await engine.deleteMany(renewed.map((key) => removal(key)));
        await engine.setMany(renewed.map((key) => write(key, 'anew')));
      });
      assertOnceEach(seen);
      assert.deepEqual(missing(KEYS.filter(isOdd), seen), []);
    },
    'new pairs do not hide old ones, come twice or keep the scan from ending': async ({ engine }) => {
      let added = 0;
      const seen = await scanMeanwhile(engine, () =>
        engine.setMany(numbered(SCAN_CHUNK_PAIRS, `new-${added++}`).map((key) => write(key))),
      );
      assertOnceEach(seen);
      assert.deepEqual(missing(KEYS, seen), []);
    },
    'pairs that expire meanwhile do not hide the pairs that stay': async ({ engine, clock }) => {
      await fill(engine);
      const expiresAtMs = clock.nowMs() + 10;
      await engine.setMany(KEYS.filter(isEven).map((key) => write(key, 'v', { expiresAtMs })));
      const seen = await stepThrough(engine, async () => clock.advanceMs(10));
      assertOnceEach(seen);
      assert.deepEqual(missing(KEYS.filter(isOdd), seen), []);
    },
    'a partition is read when the scan reaches it': async ({ engine }) => {
      await fill(engine);
      const seen: string[] = [];
      for await (const { partition, pairs } of engine.scan([PARTITION, OTHER_PARTITION])) {
        if (partition === OTHER_PARTITION) seen.push(...keyData(pairs));
        else await set(engine, write('late', 'v', { partition: OTHER_PARTITION }));
      }
      assert.deepEqual(seen, ['late']);
    },
    'two scans at once do not disturb each other': async ({ engine }) => {
      await fill(engine);
      const one = engine.scan([PARTITION])[Symbol.asyncIterator]();
      const first = await one.next();
      assert.deepEqual(await scanKeys(engine), sorted(KEYS));
      const chunks: EngineChunk[] = [];
      for (let step = first; step.done !== true; step = await one.next()) chunks.push(step.value);
      assert.deepEqual(keyData(chunks.flatMap(({ pairs }) => pairs)), sorted(KEYS));
    },
    'random writes at every step leave the pairs that stay exactly once': async ({ engine }) => {
      const random = seededRandom(20_240_501);
      const stay = KEYS.filter(isEven);
      const others = [...KEYS.filter(isOdd), ...numbered(500, 'new')];
      const seen = await scanMeanwhile(engine, async () => {
        for (let i = 0; i < 30; i++) {
          const keys = Array.from({ length: 20 }, () => random.pick(others));
          if (random.below(2) === 0) await engine.deleteMany(keys.map((key) => removal(key)));
          else await engine.setMany([...keys, random.pick(stay)].map((key) => write(key, `${i}`)));
        }
      });
      assertOnceEach(seen);
      assert.deepEqual(missing(stay, seen), []);
    },
    'other work runs during a scan, also if nothing matches': async ({ engine }) => {
      await fill(engine);
      await engine.setMany(KEYS.map((key) => write(key, 'v', { partition: OTHER_PARTITION })));
      // Continues in the poll phase of the event loop. Immediates come next, before any reply of a server.
      await stat('.');
      let hadItsTurn = false;
      const turn = setImmediate(() => (hadItsTurn = true));
      await scanKeys(engine, [PARTITION, OTHER_PARTITION], { idPrefix: 'snone' });
      clearImmediate(turn);
      assert.equal(hadItsTurn, true);
    },
    'writes made during a scan are all there afterwards': async ({ engine }) => {
      await scanMeanwhile(engine, () => engine.setMany([write('late'), write('later')]));
      assert.equal(await has(engine, 'late'), true);
      assert.equal((await scanKeys(engine)).length, KEYS.length + 2);
    },
  },
};

/** Scans a partition of {@link KEYS} and does something after each step; returns the keys of the scan, sorted. */
async function scanMeanwhile(engine: StorageEngine, change: () => unknown): Promise<string[]> {
  await fill(engine);
  return stepThrough(engine, change);
}

async function stepThrough(engine: StorageEngine, change: () => unknown): Promise<string[]> {
  const seen: string[] = [];
  let steps = 0;
  for await (const { pairs } of engine.scan([PARTITION])) {
    seen.push(...keyData(pairs));
    await change();
    steps += 1;
    assert.ok(steps < 100, 'the scan runs after what is written');
  }
  assert.ok(steps > 1, 'nothing was changed between two steps');
  return seen.sort();
}

async function fill(engine: StorageEngine): Promise<void> {
  await engine.setMany(KEYS.map((key) => write(key)));
}

function assertOnceEach(seen: readonly string[]): void {
  assert.equal(new Set(seen).size, seen.length, 'a key came twice');
}

function missing(expected: readonly string[], seen: readonly string[]): string[] {
  const found = new Set(seen);
  return expected.filter((key) => !found.has(key));
}

function sorted(keys: readonly string[]): string[] {
  return [...keys].sort();
}

function isEven(key: string): boolean {
  return Number(key.slice(key.lastIndexOf('-') + 1)) % 2 === 0;
}

function isOdd(key: string): boolean {
  return !isEven(key);
}
