import { keyId, KvsError, stringKey, stringValue } from '@kvs/protocol';
import { MemoryEngine, systemClock, type EnginePair } from '@kvs/kv-store';
import { alteredEngine } from '@kvs/kv-store/testing';
import { EnginePort } from './engine-port.js';

const PARTITION = 7;

it('a position and a version are as they were last while the engine can not be read', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const replication = engine.replication;
  await replication.start();
  const port = new EnginePort(engine, replication, () => 0, fail);
  await replication.reset(PARTITION, { epoch: 3, number: 4 });
  await replication.raiseFloor(PARTITION, 5);
  const known = [port.position(PARTITION), port.highestVersion(PARTITION)];
  await engine.close();
  expect(() => replication.position(PARTITION)).toThrow(KvsError);
  expect([port.position(PARTITION), port.highestVersion(PARTITION)]).toEqual(known);
  expect(known).toEqual([{ epoch: 3, number: 4 }, 5]);
});

it('a version floor that can not be raised is a failure', async () => {
  const engine = new MemoryEngine({ clock: systemClock });
  const port = new EnginePort(engine, engine.replication, () => 0, fail);
  const results: string[] = [];
  port.raiseFloor(PARTITION, 5, (result) => results.push(result));
  await engine.close();
  port.raiseFloor(PARTITION, 6, (result) => results.push(result));
  expect(results).toEqual(['applied', 'unavailable']);
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

function fail(error: unknown): never {
  throw error;
}
