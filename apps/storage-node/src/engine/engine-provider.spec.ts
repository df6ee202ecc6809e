import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMemoryLimits, systemClock } from '@kvs/kv-store';
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

it('the node is not ready from the start if Redis is away, and the log says why', async () => {
  const logged: string[] = [];
  const log = (message: string): void => void logged.push(message);
  const fail = (error: unknown): void => void logged.push(String(error));
  // Nothing listens on port 1.
  const config = { engine: 'redis', urls: ['redis://127.0.0.1:1'], prefix: 'kvs', waitReplicas: 0 } as const;
  const provider = new EngineProvider(config, { info: log, warn: log, error: log }, fail);
  const engine = await provider.open({ clock: systemClock });
  const reason = 'Redis at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1';
  expect(await provider.check()).toBe(reason);
  expect(logged).toEqual([`the engine cannot serve: ${reason}`]);
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
    const config = {
      engine: 'memory',
      maxMemoryBytes,
      eviction: 'none',
      snapshotDirectory: undefined,
      snapshotIntervalSeconds: 0,
      damagedSnapshot: 'refuse',
    } as const;
    const provider = new EngineProvider(config, log, (error) => logged.push(String(error)));
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
