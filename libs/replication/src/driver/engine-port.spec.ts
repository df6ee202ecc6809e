import { keyId, KvsError, stringKey, stringValue } from '@kvs/protocol';
import {
  MemoryEngine,
  SCAN_CHUNK_UNITS,
  systemClock,
  type EnginePair,
  type EngineReplication,
  type EngineWriteOutcome,
} from '@kvs/kv-store';
import { alteredEngine, promisedReplication } from '@kvs/kv-store/testing';
import type { WriteOutcomes } from '../ports.js';
import { EnginePort } from './engine-port.js';

const PARTITION = 7;
const START = { epoch: 3, number: 4 };
const DEFECT = new Error('EMFILE: too many open files');
const CHANGES: readonly (keyof EngineReplication)[] = [
  'write',
  'delete',
  'apply',
  'fill',
  'clear',
  'endFill',
];

it('a position and a version are as they were last while the engine cannot be read', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const replication = engine.replication;
  await replication.start();
  const port = new EnginePort(engine, replication, () => 0, fail);
  await replication.clear(PARTITION, { epoch: 3, number: 4 }, 'complete');
  await replication.apply(PARTITION, [], 5);
  const known = [port.position(PARTITION), port.highestVersion(PARTITION)];
  await engine.close();
  expect(() => replication.position(PARTITION)).toThrow(KvsError);
  expect([port.position(PARTITION), port.highestVersion(PARTITION)]).toEqual(known);
  expect(known).toEqual([{ epoch: 3, number: 4 }, 5]);
});

it('a version floor that cannot be raised is a failure', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const port = new EnginePort(engine, engine.replication, () => 0, fail);
  const results: string[] = [];
  port.apply(PARTITION, [], 5, (result) => results.push(result));
  await engine.close();
  port.apply(PARTITION, [], 6, (result) => results.push(result));
  expect(results).toEqual(['applied', 'unavailable']);
});

it('a write of which the engine does not know whether it took effect has an unknown outcome', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const unavailable = { status: 'unavailable', message: 'the disk is gone' } as const;
  const outcomesOf = (...outcomes: readonly EngineWriteOutcome[]): Promise<WriteOutcomes | undefined> => {
    const replication = promisedReplication(engine.replication, { write: async () => outcomes });
    const port = new EnginePort(engine, replication, () => 0, fail);
    return new Promise((done) => port.write(PARTITION, { kind: 'set', items: [] }, 1, done));
  };
  expect(await outcomesOf(unavailable, { ...unavailable, maybeApplied: true })).toBeUndefined();
  expect(await outcomesOf(unavailable)).toEqual({ kind: 'set', outcomes: [unavailable] });
  await engine.close();
});

it('an engine that cannot serve has done no item of a write', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  await engine.close();
  const port = new EnginePort(engine, engine.replication, () => 0, fail);
  const item = { id: keyId(stringKey('k')), partition: PARTITION, ifVersion: undefined };
  const outcomes = await new Promise((done) =>
    port.write(PARTITION, { kind: 'delete', items: [item, item] }, 1, done),
  );
  const unavailable = { status: 'unavailable', message: expect.any(String) };
  expect(outcomes).toEqual({ kind: 'delete', outcomes: [unavailable, unavailable] });
});

it('a fill gets a chunk of the engine in small parts, and closes the scan', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const pairs = ['a', 'b', 'c', 'd'].map((name): EnginePair => ({
    id: keyId(stringKey(name)),
    value: stringValue(name.repeat(SCAN_CHUNK_UNITS / 64)),
    version: 1,
    expiresAtMs: undefined,
  }));
  let isClosed = false;
  const large = alteredEngine(engine, {
    async *scan([partition = 0]) {
      try {
        yield { partition, pairs };
        yield { partition, pairs };
      } finally {
        isClosed = true;
      }
    },
  });
  const scan = new EnginePort(large, engine.replication, () => 0, fail).scan(PARTITION);
  const next = () => new Promise((resolve) => scan.next(resolve));
  expect([await next(), await next()]).toEqual([pairs.slice(0, 2), pairs.slice(2)]);
  scan.close();
  expect([await next(), isClosed]).toEqual(['end', true]);
  await engine.close();
});

it('a fill has no empty chunks, though the engine gives some while it finds nothing', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const pair: EnginePair = {
    id: keyId(stringKey('k')),
    value: stringValue('v'),
    version: 1,
    expiresAtMs: undefined,
  };
  const { replication } = engine;
  const sparse = alteredEngine(engine, {
    async *scan([partition = 0]) {
      for (const pairs of [[], [], [pair], []]) yield { partition, pairs };
    },
  });
  const scan = new EnginePort(sparse, replication, () => 0, fail).scan(PARTITION);
  const next = () => new Promise((resolve) => scan.next(resolve));
  expect([await next(), await next()]).toEqual([[pair], 'end']);
  await engine.close();
});

describe.each([
  ['throws', () => throwDefect()],
  ['rejects with', async () => throwDefect()],
])('an engine that %s an error of an unknown kind', (_, call) => {
  const engine = new MemoryEngine({ clock: systemClock });
  const broken = Object.fromEntries(CHANGES.map((name) => [name, call]));
  const replication = promisedReplication(engine.replication, broken);
  let errors: unknown[];
  let port: EnginePort;
  beforeEach(() => {
    errors = [];
    port = new EnginePort(
      engine,
      replication,
      () => 0,
      (error) => errors.push(error),
    );
  });
  afterAll(() => engine.close());

  it.each<[string, (done: (result: unknown) => void) => void]>([
    ['apply', (done) => port.apply(PARTITION, [], 1, done)],
    ['fill', (done) => port.fill(PARTITION, [], done)],
    ['clear', (done) => port.clear(PARTITION, START, 'complete', done)],
    ['endFill', (done) => port.endFill(PARTITION, done)],
  ])('answers %s with a failure, and the error is reported once', async (__, change) => {
    expect(await new Promise(change)).toBe('unavailable');
    expect(errors).toEqual([DEFECT]);
  });

  it.each(['set', 'delete'] as const)('may have done a %s', async (kind) => {
    const outcomes = await new Promise((done) => port.write(PARTITION, { kind, items: [] }, 1, done));
    expect(outcomes).toBeUndefined();
    expect(errors).toEqual([DEFECT]);
  });
});

it('a scan that ends by an error of an unknown kind has failed, and the error is reported once', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const broken = alteredEngine(engine, {
    scan: () => ({ [Symbol.asyncIterator]: () => ({ next: throwDefect }) }),
  });
  const errors: unknown[] = [];
  const port = new EnginePort(
    broken,
    engine.replication,
    () => 0,
    (error) => errors.push(error),
  );
  const scan = port.scan(PARTITION);
  expect(await new Promise((done) => scan.next(done))).toBe('failed');
  expect(errors).toEqual([DEFECT]);
  await engine.close();
});

it('what the engine cannot say is as it was last, also after an error of an unknown kind', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const { replication } = engine;
  await replication.clear(PARTITION, START, 'complete');
  await replication.apply(PARTITION, [], 5);
  let fails = false;
  const failing = <T>(read: () => T) => (fails ? throwDefect() : read());
  const broken = promisedReplication(replication, {
    position: (partition) => failing(() => replication.position(partition)),
    versionFloor: (partition) => failing(() => replication.versionFloor(partition)),
    isFull: () => failing(() => true),
  });
  const errors: unknown[] = [];
  const port = new EnginePort(
    engine,
    broken,
    () => 0,
    (error) => errors.push(error),
  );
  const known = [port.position(PARTITION), port.highestVersion(PARTITION), port.isFull()];
  fails = true;
  expect([port.position(PARTITION), port.highestVersion(PARTITION), port.isFull()]).toEqual(known);
  expect(known).toEqual([START, 5, true]);
  expect(errors).toEqual([DEFECT, DEFECT, DEFECT]);
  await engine.close();
});

function throwDefect(): never {
  throw DEFECT;
}

function fail(error: unknown): never {
  throw error;
}
