import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { START_POSITION } from '../engine-replication.js';
import { ManualClock } from '../../testing/index.js';
import { numbered, PARTITION, placed, removal, scanPairs, versionOf, write } from '../../testing/pairs.js';
import { MemoryEngine } from './memory-engine.js';

const EPOCH = 5;
const clock = new ManualClock();
const VALUE = 'v'.repeat(2000);
const MAX_MEMORY_BYTES = 4 * 1024 * 1024;

describe('the replication of the memory engine', () => {
  it('is full before it has to refuse an effect, and no more when pairs are gone', () => {
    const engine = new MemoryEngine({ clock, maxMemoryBytes: MAX_MEMORY_BYTES });
    const { replication } = engine;
    const keys = numbered(5000);
    const firstFull = keys.findIndex((key) => {
      expect(replication.write(PARTITION, [write(key, VALUE)], EPOCH)).toMatchObject([{ status: 'written' }]);
      return replication.isFull();
    });
    expect(firstFull).toBeGreaterThan(MAX_MEMORY_BYTES / VALUE.length / 2);
    const effect = { position: { epoch: EPOCH, number: 9999 }, ...placed('one more') };
    const [{ value }] = [write('one more', VALUE)];
    const entry = { value, version: 1, expiresAtMs: undefined };
    expect(replication.apply(PARTITION, [{ ...effect, entry }], 1)).toEqual({ status: 'applied' });
    replication.delete(
      PARTITION,
      keys.slice(0, firstFull / 2).map((key) => removal(key)),
      EPOCH,
    );
    expect(replication.isFull()).toBe(false);
  });

  it('refuses pairs of a fill when it is full, and still has room for effects', () => {
    const { replication } = new MemoryEngine({ clock, maxMemoryBytes: MAX_MEMORY_BYTES });
    const pairs = numbered(5000).map((key) => ({ ...write(key, VALUE), version: 1 }));
    const refused = pairs.findIndex((pair) => replication.fill(PARTITION, [pair]).status === 'out_of_memory');
    expect(refused).toBeGreaterThan(MAX_MEMORY_BYTES / VALUE.length / 2);
    const other = PARTITION + 1;
    const effects = pairs.slice(0, 5).map(({ id, value }, index) => ({
      position: { epoch: EPOCH, number: index + 1 },
      id,
      entry: { value, version: 1, expiresAtMs: undefined },
    }));
    expect(replication.apply(other, effects, 1)).toEqual({ status: 'applied' });
  });

  it.each([100, 400, 2000])(
    'is full no more when pairs here and there are gone, of %i bytes, and takes about as many again',
    (length) => {
      const engine = new MemoryEngine({ clock, maxMemoryBytes: 4 * MAX_MEMORY_BYTES });
      const { replication } = engine;
      const add = (key: string): void =>
        void replication.write(PARTITION, [write(key, 'v'.repeat(length))], EPOCH);
      const keys: string[] = [];
      while (!replication.isFull()) add(keys[keys.push(`key-${keys.length}`) - 1] ?? '');
      const gone = keys.filter((_, index) => index % 12 === 0);
      for (const key of gone) replication.delete(PARTITION, [removal(key)], EPOCH);
      let looks = 1;
      while (replication.isFull() && looks < 50) looks += 1;
      expect(looks).toBeLessThan(50);
      let added = 0;
      for (; !replication.isFull(); added++) add(`new-${added}`);
      expect(added).toBeGreaterThan(0.6 * gone.length);
      expect(added).toBeLessThan(1.2 * gone.length);
    },
  );

  it('applies effects up to the one that does not fit, and says so by its position', () => {
    const { replication } = new MemoryEngine({ clock, maxMemoryBytes: MAX_MEMORY_BYTES });
    const effects = numbered(5000).map((key, index) => {
      const { id, value } = write(key, VALUE);
      return {
        position: { epoch: EPOCH, number: index + 1 },
        id,
        entry: { value, version: index + 1, expiresAtMs: undefined },
      };
    });
    expect(replication.apply(PARTITION, effects, 5000)).toEqual({ status: 'out_of_memory' });
    const { number } = replication.position(PARTITION);
    expect(number).toBeGreaterThan(0);
    expect(replication.apply(PARTITION, effects.slice(number, number + 1), 5000)).toEqual({
      status: 'out_of_memory',
    });
    expect(replication.position(PARTITION).number).toBe(number);
  });

  it('removes the pairs of one partition after the other', async () => {
    const engine = new MemoryEngine({ clock });
    const { replication } = engine;
    const [first, second] = [PARTITION, PARTITION + 1];
    for (const partition of [first, second])
      replication.write(
        partition,
        numbered(2000).map((key) => write(key, 'v', { partition })),
        EPOCH,
      );
    const removals = [first, second].map((partition) =>
      replication.clear(partition, { epoch: 1, number: 1 }, 'complete'),
    );
    await removals[0];
    expect(replication.position(first)).toEqual({ epoch: 1, number: 1 });
    expect(replication.position(second)).toEqual(START_POSITION);
    expect(engine.stats().pairCount).toBeGreaterThan(1000);
    await removals[1];
    expect(engine.stats().pairCount).toBe(0);
  });

  it('removes no pairs any more when the engine is closed', async () => {
    const engine = new MemoryEngine({ clock });
    const keys = numbered(5000);
    engine.replication.write(
      PARTITION,
      keys.map((key) => write(key)),
      EPOCH,
    );
    const cleared = engine.replication.clear(PARTITION, START_POSITION, 'complete');
    while (engine.stats().pairCount === keys.length) await setImmediate();
    engine.close();
    await expect(cleared).rejects.toMatchObject({ code: 'engine_unavailable' });
  });

  it('is never full if the engine evicts', () => {
    const { replication } = new MemoryEngine({ clock, eviction: 'lru', maxMemoryBytes: MAX_MEMORY_BYTES });
    for (const key of numbered(5000)) replication.write(PARTITION, [write(key, VALUE)], EPOCH);
    expect(replication.isFull()).toBe(false);
  });

  it('has a new boot id and no positions after a snapshot, and goes on above the versions of its pairs', async () => {
    const before = await openWithSnapshot();
    const { bootId } = await before.replication.start();
    const outcomes = before.replication.write(PARTITION, [write('a'), write('b')], EPOCH);
    await before.close();
    const after = await openWithSnapshot();
    expect((await after.replication.start()).bootId).not.toBe(bootId);
    expect(after.replication.position(PARTITION)).toEqual(START_POSITION);
    expect(after.replication.versionFloor(PARTITION)).toBe(Math.max(...outcomes.map(versionOf)));
    expect(await scanPairs(after)).toHaveLength(2);
    await after.close();
  });

  it('leaves a partition that is being filled out of a snapshot, except for its version floor', async () => {
    const before = await openWithSnapshot();
    const { replication } = before;
    await replication.start();
    replication.write(PARTITION + 1, [write('other', 'v', { partition: PARTITION + 1 })], EPOCH);
    await replication.clear(PARTITION, { epoch: EPOCH, number: 9 }, 'incomplete');
    replication.fill(PARTITION, [{ ...write('half'), version: 7 }]);
    expect(replication.incompletePartitions()).toEqual([PARTITION]);
    await before.close();
    await expectOnlyFloor(7);
  });

  it('leaves a partition whose pairs are being removed out of a snapshot, except for its version floor', async () => {
    const before = await openWithSnapshot();
    const { replication } = before;
    await replication.start();
    replication.write(PARTITION + 1, [write('other', 'v', { partition: PARTITION + 1 })], EPOCH);
    const outcomes = replication.write(
      PARTITION,
      numbered(5000).map((key) => write(key)),
      EPOCH,
    );
    const removal = replication.clear(PARTITION, START_POSITION, 'complete').catch((error: unknown) => error);
    while (before.stats().pairCount === 5001) await setImmediate();
    expect(before.stats().pairCount).toBeGreaterThan(1);
    await before.close();
    expect(await removal).toMatchObject({ code: 'engine_unavailable' });
    await expectOnlyFloor(Math.max(...outcomes.map(versionOf)));
  });
});

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvs-replication-'));
});
afterEach(() => rm(directory, { recursive: true }));

function openWithSnapshot(): Promise<MemoryEngine> {
  return MemoryEngine.open({ clock, snapshot: { directory } });
}

/** Of the partition, the snapshot has only the version floor; of the next partition, one pair. */
async function expectOnlyFloor(floor: number): Promise<void> {
  const after = await openWithSnapshot();
  await after.replication.start();
  expect(await scanPairs(after)).toEqual([]);
  expect(after.replication.completePartitions()).toEqual([PARTITION + 1]);
  expect(after.replication.versionFloor(PARTITION)).toBe(floor);
  await after.close();
}
