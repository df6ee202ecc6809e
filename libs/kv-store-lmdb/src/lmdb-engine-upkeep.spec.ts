import { jest } from '@jest/globals';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineWrite } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { DiskSpace, RESERVED_BYTES } from './disk-space.js';
import { Environment } from './environment.js';
import { LmdbEngine } from './lmdb-engine.js';
import { LmdbReplication } from './lmdb-replication.js';
import { PairTable } from './pair-table.js';
import { scratchDirectory, type ScratchDirectory } from '../test/scratch-directory.js';

let scratch: ScratchDirectory;
let clock: ManualClock;
beforeEach(() => {
  scratch = scratchDirectory();
  clock = new ManualClock();
});
afterEach(() => scratch.remove());

function write(name: string, text = 'v', expiresAtMs?: number): EngineWrite {
  return {
    id: keyId(stringKey(name)),
    partition: 3,
    value: stringValue(text),
    expiresAtMs,
    ifVersion: undefined,
  };
}

const OPENING = { durability: 'commit', machine: 'm', closedText: undefined } as const;
const NO_CONTEXT = {
  read: <T>(read: () => T) => read(),
  change: () => Promise.reject(new Error('nothing is written here')),
};

function many(count: number, text?: string, expiresAtMs?: number): EngineWrite[] {
  return Array.from({ length: count }, (_, index) => write(`key-${index}`, text, expiresAtMs));
}

it('the map grows beyond its initial size by itself', async () => {
  const mapSizeBytes = 1 << 20;
  const engine = await LmdbEngine.open({ directory: scratch.path, clock, mapSizeBytes });
  const text = 'v'.repeat(100_000);
  await engine.setMany(many(100, text));
  expect(statSync(join(scratch.path, 'data.mdb')).size).toBeGreaterThan(8 * mapSizeBytes);
  expect(
    engine.getMany(many(100)).every((entry) => entry.status === 'found' && entry.value.data === text),
  ).toBe(true);
  await engine.close();
});

it('is full in a cluster when the disk and the file have little room, and says how much it may hold', async () => {
  let freeBytes = 2 ** 30;
  let nowMs = 0;
  const disk = new DiskSpace(
    scratch.path,
    () => freeBytes,
    () => (nowMs += 1000),
  );
  const environment = new Environment(scratch.path, 'commit', undefined, disk);
  const fileBytes = statSync(join(scratch.path, 'data.mdb')).size;
  expect(environment.stats().maxBytes).toBe(fileBytes + freeBytes);
  const table = new PairTable(environment, clock);
  const replication = new LmdbReplication(environment, table, OPENING, NO_CONTEXT);
  expect(replication.isFull()).toBe(false);
  expect(environment.room(1000)).toEqual({ bytes: freeBytes - RESERVED_BYTES, growthBytes: freeBytes });
  const large = many(80, 'v'.repeat(2 ** 20));
  environment.transact(() => large.forEach((each) => table.write(each)));
  freeBytes = 2 ** 20;
  expect(replication.isFull()).toBe(true);
  expect(environment.room(1000).bytes).toBeLessThan(0);
  expect(environment.stats().usedBytes).toBeGreaterThan(80 * 2 ** 20);
  environment.transact(() => large.forEach((each) => table.delete(each)));
  expect(replication.isFull()).toBe(false);
  expect(environment.room(1000).bytes).toBeGreaterThan(10 * 2 ** 20);
  expect(environment.room(1000).growthBytes).toBe(freeBytes);
  expect(environment.stats().usedBytes).toBeLessThan(2 ** 20);
  await environment.close();
});

it('pairs of a fill leave the reserve of the disk to effects', async () => {
  const environment = new Environment(scratch.path, 'commit', undefined);
  const table = new PairTable(environment, clock);
  const sizes: (number | undefined)[] = [];
  const replication = new LmdbReplication(environment, table, OPENING, {
    ...NO_CONTEXT,
    change: (items, _apply, _refuse, roomBytes = () => undefined) => {
      sizes.push(...items.map(roomBytes));
      return Promise.resolve([]);
    },
  });
  const { id, value, partition } = write('key', 'v'.repeat(100_000));
  const entry = { value, version: 1, expiresAtMs: undefined };
  await replication.fill(partition, [{ id, ...entry }]);
  await replication.apply(partition, [{ position: { epoch: 1, number: 1 }, id, entry }], 1);
  expect(sizes).toEqual([expect.any(Number), undefined]);
  expect(sizes[0]).toBeGreaterThan(100_000);
  await environment.close();
});

it('an identity that cannot be stored is not told', async () => {
  const environment = new Environment(scratch.path, 'commit', undefined);
  let commits = 0;
  const replication = new LmdbReplication(environment, new PairTable(environment, clock), OPENING, {
    ...NO_CONTEXT,
    change: (items, apply, refuse) => {
      const isFirst = commits++ === 0;
      return Promise.resolve(
        items.map((item) => (isFirst ? apply(item) : refuse(new Error('no space left on device')))),
      );
    },
  });
  await expect(replication.start()).rejects.toMatchObject({ code: 'engine_unavailable' });
  expect(commits).toBe(2);
  await environment.close();
});

it('pages that were freed before they were written are neither used nor room for pairs', async () => {
  const freeBytes = 2 ** 20;
  const environment = new Environment(
    scratch.path,
    'commit',
    undefined,
    new DiskSpace(scratch.path, () => freeBytes),
  );
  const table = new PairTable(environment, clock);
  const large = many(50, 'v'.repeat(2 ** 20));
  environment.transact(() => {
    for (const each of large) table.write(each);
    for (const each of large) table.delete(each);
  });
  const fileBytes = statSync(join(scratch.path, 'data.mdb')).size;
  expect(fileBytes).toBeLessThan(2 ** 20);
  const { usedBytes = -1, maxBytes } = environment.stats();
  expect(usedBytes).toBeGreaterThan(0);
  expect(usedBytes).toBeLessThanOrEqual(fileBytes);
  expect(maxBytes).toBe(fileBytes + freeBytes);
  expect(environment.room(1000).bytes).toBe(freeBytes - RESERVED_BYTES + fileBytes - usedBytes);
  await environment.close();
});

it('room that was freed is used again', async () => {
  const engine = await LmdbEngine.open({ directory: scratch.path, clock });
  const sizes: (number | undefined)[] = [];
  for (let round = 0; round < 10; round++) {
    await engine.setMany(many(50, `${round}`.repeat(10_000)));
    sizes.push(statSync(join(scratch.path, 'data.mdb')).size);
  }
  expect(sizes.at(-1)).toBe(sizes[4]);
  await engine.close();
});

it('expired pairs are reclaimed, others stay', async () => {
  const engine = await LmdbEngine.open({ directory: scratch.path, clock, sweepIntervalMs: 0 });
  await engine.setMany(many(1000, 'v', clock.nowMs() + 10));
  await engine.setMany([write('key-1', 'w', clock.nowMs() + 20), write('key-2', 'w'), write('other')]);
  await engine.setMany([write('long ago', 'v', -1)]);
  await engine.reclaimExpired();
  expect(engine.stats().pairCount).toBe(1001);
  clock.advanceMs(10);
  await engine.reclaimExpired();
  expect(engine.stats().pairCount).toBe(3);
  expect(engine.hasMany([write('key-1'), write('key-2'), write('other')])).toEqual(
    Array.from({ length: 3 }, () => ({ status: 'present' })),
  );
  await engine.close();
});

it('nothing is left to reclaim of pairs that were overwritten or deleted', async () => {
  const engine = await LmdbEngine.open({ directory: scratch.path, clock, sweepIntervalMs: 0 });
  const expiring = many(1000, 'v', clock.nowMs() + 10);
  await engine.setMany(expiring);
  await engine.setMany(many(500));
  await engine.deleteMany(expiring.slice(500));
  clock.advanceMs(10);
  const searches = jest.spyOn(PairTable.prototype, 'expired');
  await engine.reclaimExpired();
  const found = searches.mock.results.map(({ value }): unknown => value);
  searches.mockRestore();
  expect([found, engine.stats().pairCount]).toEqual([[[]], 500]);
  await engine.close();
});

it('a sweep ends whose changes cannot be committed, and the next one makes them', async () => {
  const engine = await LmdbEngine.open({ directory: scratch.path, clock, sweepIntervalMs: 0 });
  await engine.setMany(many(500, 'v', clock.nowMs() + 10));
  clock.advanceMs(10);
  const commits = jest.spyOn(Environment.prototype, 'transact').mockImplementation(() => {
    throw new Error('a page is damaged');
  });
  await engine.reclaimExpired();
  commits.mockRestore();
  expect(engine.stats().pairCount).toBe(500);
  await engine.reclaimExpired();
  expect(engine.stats().pairCount).toBe(0);
  await engine.close();
});

it('the engine reclaims by itself', async () => {
  const engine = await LmdbEngine.open({ directory: scratch.path, clock, sweepIntervalMs: 1 });
  await engine.setMany(many(500, 'v', clock.nowMs() + 10));
  clock.advanceMs(10);
  await until(() => engine.stats().pairCount === 0);
  expect(engine.stats()).toMatchObject({ pairCount: 0, partitionCount: 0 });
  await engine.close();
});

it('a sweep begins only when the last one has ended', async () => {
  const reads = jest.spyOn(PairTable.prototype, 'expired');
  const engine = await LmdbEngine.open({ directory: scratch.path, clock, sweepIntervalMs: 1 });
  await engine.setMany(many(10_000, 'v', clock.nowMs() + 10));
  clock.advanceMs(10);
  await until(() => engine.stats().pairCount === 0);
  await engine.close();
  const found = reads.mock.results.flatMap(({ value }) => (Array.isArray(value) ? [value.length] : []));
  reads.mockRestore();
  // Each pair is found once.
  expect(found.reduce((sum, count) => sum + count, 0)).toBe(10_000);
});

it('versions grow over restarts, expiry and the sweep, whatever the clock does', async () => {
  let last = 0;
  for (let restart = 0; restart < 10; restart++) {
    const engine = await LmdbEngine.open({ directory: scratch.path, clock, sweepIntervalMs: 0 });
    const [outcome] = await engine.setMany([write('key', 'v', clock.nowMs())]);
    if (outcome?.status !== 'written') throw new Error('not written');
    expect(outcome.version).toBeGreaterThan(last);
    last = outcome.version;
    await engine.reclaimExpired();
    expect(engine.stats().pairCount).toBe(0);
    await engine.close();
    clock.advanceMs(-1000);
  }
});

it.each(['commit', 'sync'] as const)(
  'close finishes the writes in flight, with durability %s',
  async (durability) => {
    const engine = await LmdbEngine.open({ directory: scratch.path, clock, durability });
    const inFlight = Array.from({ length: 20 }, (_, index) => engine.setMany([write(`key-${index}`)]));
    const closed = engine.close();
    await expect(engine.setMany([write('late')])).rejects.toThrow('closed');
    const outcomes = (await Promise.all(inFlight)).flat();
    await closed;
    expect(outcomes.every(({ status }) => status === 'written')).toBe(true);
    const again = await LmdbEngine.open({ directory: scratch.path, clock, durability });
    expect(again.stats().pairCount).toBe(20);
    await again.close();
  },
);

describe('a directory of a node of a cluster, before the node has joined again', () => {
  const open = () => LmdbEngine.open({ directory: scratch.path, clock, sweepIntervalMs: 0 });
  let engine: LmdbEngine;
  afterEach(() => engine.close());

  it('keeps its boot id, its positions and its pairs although they have expired by another clock', async () => {
    engine = await open();
    const { bootId } = await engine.replication.start();
    await engine.replication.write(3, many(2, 'v', clock.nowMs() + 1000), 7);
    await engine.close();
    clock.advanceMs(5000);
    engine = await open();
    await engine.reclaimExpired();
    expect(engine.stats().pairCount).toBe(2);
    expect(await engine.replication.start()).toMatchObject({ bootId, starts: 2 });
    expect(engine.replication.position(3)).toEqual({ epoch: 7, number: 2 });
    await engine.reclaimExpired();
    expect(engine.stats().pairCount).toBe(0);
  });

  it('knows which partitions are incomplete, also after writes of the node by itself', async () => {
    engine = await open();
    await engine.replication.start();
    await engine.replication.clear(3, { epoch: 7, number: 9 }, 'incomplete');
    await engine.replication.fill(3, [
      { id: keyId(stringKey('part')), value: stringValue('v'), version: 1, expiresAtMs: undefined },
    ]);
    await engine.close();
    engine = await open();
    await engine.setMany([{ ...write('other'), partition: 4 }]);
    await engine.replication.start();
    expect(engine.replication.completePartitions()).toEqual([4]);
  });

  it('is told of a clear whose commit fails, which is not tried again', async () => {
    engine = await open();
    await engine.replication.start();
    await engine.replication.write(3, many(600), 7);
    const commits = jest.spyOn(Environment.prototype, 'transact').mockImplementationOnce(() => {
      throw new Error('a page is damaged');
    });
    const outcome = await engine.replication.clear(3, { epoch: 8, number: 1 }, 'complete');
    commits.mockRestore();
    expect(outcome).toEqual({ status: 'unavailable', message: 'the change was not made: a page is damaged' });
    expect([engine.stats().pairCount, engine.replication.position(3)]).toEqual([
      600,
      { epoch: 7, number: 600 },
    ]);
  });

  it('removes large pairs in several transactions, because it copies the values that it reads', async () => {
    engine = await open();
    await engine.setMany(many(10, 'v'.repeat(2 ** 20)));
    const environment = new Environment(scratch.path, 'commit', undefined);
    const table = new PairTable(environment, clock);
    let transactions = 0;
    for (let isMore = true; isMore; transactions++)
      environment.transact(() => (isMore = table.clear(3, 500)));
    await environment.close();
    expect(transactions).toBeGreaterThan(2);
    expect(engine.stats().pairCount).toBe(0);
  });
});
