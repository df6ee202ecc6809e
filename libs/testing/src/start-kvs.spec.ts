import { once } from 'node:events';
import { connect } from 'node:net';
import { startKvs, type RunningKvs } from './index.js';

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

it('options that are not valid are refused', async () => {
  await expect(startKvs({ args: ['--max-memory', 'much'] })).rejects.toThrow('max-memory');
});
