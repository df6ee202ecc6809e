import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { MIN_MAX_MEMORY_BYTES, readMemoryLimits, systemClock } from '@kvs/kv-store';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { EngineProvider } from './engine-provider.js';

it('the node is not ready while its engine cannot serve, and the log says so once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'kvs-node-'));
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const fail = (error: unknown): void => void logged.push(String(error));
  const config = { engine: 'lmdb', directory, durability: 'commit' } as const;
  const provider = new EngineProvider(config, { info: log, warn: log, error: log }, fail);
  const engine = await provider.open({ clock: systemClock });
  try {
    expect(await provider.check()).toBeUndefined();
    const file = join(directory, 'data.mdb');
    renameSync(file, `${file}.moved`);
    expect(await provider.check()).toContain(file);
    expect(await provider.check()).toContain(file);
    renameSync(`${file}.moved`, file);
    expect(await provider.check()).toBeUndefined();
    const expected = [expect.stringContaining(`cannot serve: ${file}`), 'the engine can serve again'];
    expect(logged).toEqual(expected);
  } finally {
    await engine.close();
    rmSync(directory, { recursive: true });
  }
});

// Nothing listens on port 1.
const REDIS_AWAY = {
  engine: 'redis',
  urls: ['redis://127.0.0.1:1'],
  prefix: 'kvs',
  waitReplicas: 0,
} as const;

it('the node is not ready from the start if Redis is away, and the log says why', async () => {
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const fail = (error: unknown): void => void logged.push(String(error));
  const provider = new EngineProvider(REDIS_AWAY, { info: log, warn: log, error: log }, fail);
  const engine = await provider.open({ clock: systemClock });
  const reason = 'Redis at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1';
  expect(await provider.check()).toBe(reason);
  expect(logged).toEqual([`the engine cannot serve: ${reason}`]);
  await engine.close();
});

it('a check that fails is a reason why the engine cannot serve', async () => {
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const provider = new EngineProvider(REDIS_AWAY, { info: log, warn: log, error: log }, (error) =>
    expect(error).toBeUndefined(),
  );
  const engine = await provider.open({ clock: systemClock });
  engine.obstacle = () => Promise.reject(new Error('as asked'));
  expect(await provider.check()).toBe('its check failed: as asked');
  expect(logged.at(-1)).toBe('the engine cannot serve: its check failed: as asked');
  await engine.close();
});

it('the engine is checked in intervals until that is stopped', async () => {
  const intervals = jest.spyOn(globalThis, 'setInterval');
  const ended = jest.spyOn(globalThis, 'clearInterval');
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const provider = new EngineProvider(memoryConfig(), log, (error) => expect(error).toBeUndefined());
  const engine = await provider.open({ clock: systemClock });
  expect(intervals).toHaveBeenCalledTimes(1);
  provider.stopChecks();
  expect(ended).toHaveBeenCalledWith(intervals.mock.results[0]?.value);
  jest.restoreAllMocks();
  await engine.close();
});

function memoryConfig(maxMemoryBytes?: number) {
  return {
    engine: 'memory',
    maxMemoryBytes,
    eviction: 'none',
    snapshotDirectory: undefined,
    snapshotIntervalSeconds: 0,
    damagedSnapshot: 'refuse',
  } as const;
}

it('tells the memory that pairs take', async () => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const provider = new EngineProvider(memoryConfig(MIN_MAX_MEMORY_BYTES), log, (error) =>
    expect(error).toBeUndefined(),
  );
  const engine = await provider.open({ clock: systemClock });
  const usedBytes = (): number => provider.memory.usedBytes ?? NaN;
  expect(provider.memory).toEqual({
    maxBytes: MIN_MAX_MEMORY_BYTES,
    usedBytes: expect.any(Number),
    evicts: false,
  });
  const before = usedBytes();
  const write = { partition: 0, id: keyId(stringKey('k')), value: stringValue('x'.repeat(100_000)) };
  await engine.setMany([{ ...write, expiresAtMs: undefined, ifVersion: undefined }]);
  expect(usedBytes() - before).toBeGreaterThan(100_000);
  provider.stopChecks();
  await engine.close();
});

describe('the log says how much memory pairs may take', () => {
  async function logOf(maxMemoryBytes: number | undefined): Promise<string[]> {
    const logged: string[] = [];
    const log = {
      info: (message: string) => logged.push(`info ${message}`),
      warn: (message: string) => logged.push(`warn ${message}`),
      error: (message: string) => logged.push(`error ${message}`),
    };
    const provider = new EngineProvider(memoryConfig(maxMemoryBytes), log, (error) =>
      logged.push(String(error)),
    );
    await (await provider.open({ clock: systemClock })).close();
    return logged;
  }

  it('by default', async () => {
    expect((await logOf(undefined))[0]).toMatch(/^info pairs may take \d+ MB of memory, chosen by /);
  });

  it('and warns if that is more than the process can have', async () => {
    const { machineBytes } = readMemoryLimits();
    expect(await logOf(machineBytes)).toEqual([
      expect.stringMatching(/^info pairs may take \d+ MB of memory; /),
      expect.stringMatching(/^warn pairs may take \d+ MB, but the node has \d+ MB of memory/),
    ]);
  });
});
