import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { startKvs, type RunningKvs } from '../dist/index.cjs';

/** Sends a line to the port for Redis clients. Returns the first bytes of the answer. */
async function askRedis({ redisPort }: RunningKvs, line: string): Promise<string> {
  const socket = connect(redisPort, '127.0.0.1');
  try {
    socket.write(`${line}\r\n`);
    const [answer]: unknown[] = await once(socket, 'data');
    return String(answer);
  } finally {
    socket.destroy();
  }
}

it('nodes serve HTTP and Redis clients with the same pairs, each with pairs of its own, until they are closed', async () => {
  const [one, other] = await Promise.all([startKvs(), startKvs({ args: ['--max-memory', '16mb'] })]);
  try {
    const put = await fetch(`${one.url}/keys/greeting`, { method: 'PUT', body: 'hello' });
    expect([put.status, one.redisUrl]).toEqual([201, `redis://127.0.0.1:${one.redisPort}`]);
    expect(await askRedis(one, 'GET greeting')).toBe('$5\r\nhello\r\n');
    expect(await askRedis(other, 'GET greeting')).toBe('$-1\r\n');
    expect((await fetch(`${other.url}/keys/greeting`)).status).toBe(404);
  } finally {
    await Promise.all([one.close(), other.close(), other.close()]);
  }
  await expect(fetch(one.url)).rejects.toThrow('fetch failed');
  await expect(askRedis(other, 'PING')).rejects.toThrow('ECONNREFUSED');
});

it('a node that cannot start rejects with the reason', async () => {
  const invalid = startKvs({ args: ['--max-memory', 'much'] });
  await expect(invalid).rejects.toMatchObject({ name: 'StartError', exitCode: 2 });
  await expect(invalid).rejects.toThrow('max-memory');
  await expect(startKvs({ args: ['--version'] })).rejects.toThrow('ended at its start');
  const { redisPort, close } = await startKvs();
  const second = startKvs({ args: ['--redis-port', String(redisPort)] });
  await expect(second).rejects.toMatchObject({ name: 'StartError', cause: { code: 'EADDRINUSE' } });
  await close();
});

it('a snapshot that cannot be loaded rejects with the reason', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-testing-'));
  const args = ['--snapshot-dir', directory];
  const { close } = await startKvs({ args });
  try {
    await expect(startKvs({ args })).rejects.toThrow(`${directory} is in use`);
  } finally {
    await close();
    await rm(directory, { recursive: true });
  }
});

it('options may come from the environment of the test', async () => {
  process.env['KVS_MAX_MEMORY'] = 'much';
  try {
    await expect(startKvs()).rejects.toThrow('KVS_MAX_MEMORY');
  } finally {
    delete process.env['KVS_MAX_MEMORY'];
  }
});

it('fake timers of a test leave the clock of the node alone', async () => {
  const deadline = Math.floor(Date.now() / 1000) + 999;
  jest.useFakeTimers({ now: 0 });
  try {
    const kvs = await startKvs();
    await askRedis(kvs, `SET a b EXAT ${deadline}`);
    expect(await askRedis(kvs, 'TTL a')).toMatch(/^:\d\d\d\r\n$/);
    await kvs.close();
  } finally {
    jest.useRealTimers();
  }
});
