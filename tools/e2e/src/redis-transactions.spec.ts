import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNode, startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { send } from './support/http.js';
import { RespClient } from './support/resp-client.js';
import { metricsOf } from './support/metrics.js';

/** LMDB answers later, so that others can come between the commands of a transaction. */
let node: LocalServer;
let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kvs-e2e-transactions-'));
  node = await startNode(['--engine', 'lmdb', '--data-dir', directory, '--redis-port', 'auto']);
});
afterAll(async () => {
  await node.kill();
  await rm(directory, { recursive: true });
});

it('a transaction at a node is atomic also for clients of HTTP and of proxies', async () => {
  const client = await RespClient.open(await node.redisPort(), 2);
  const proxy = await startProxy([node.address]);
  let isOver = false;
  const write = async (origin: string): Promise<number> => {
    let count = 0;
    while (!isOver) {
      const body = [{ key: string('k'), value: string('other') }];
      const { json } = await send('PUT', `${origin}/set`, { body });
      expect(json).toMatchObject({ keys_failed: [] });
      count++;
    }
    return count;
  };
  const writers = [node.origin, node.origin, proxy.origin, proxy.origin].map(write);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const own = `own ${round}`;
      const replies = await client.ask([['MULTI'], ['SET', 'k', own], ['GET', 'k'], ['GET', 'k'], ['EXEC']]);
      expect(replies.at(-1)?.items?.map(({ text }) => text)).toEqual(['OK', own, own]);
    }
  } finally {
    isOver = true;
    client.close();
    await Promise.allSettled(writers);
    await proxy.kill();
  }
  for (const count of await Promise.all(writers)) expect(count).toBeGreaterThan(0);
});

it('updates of one key over HTTP and by Redis clients do not get in the way of each other', async () => {
  await updateAtOnce('count', node.origin, await node.redisPort());
});

it('updates of one key at a proxy need two calls to the node each, over whatever protocol', async () => {
  const proxy = await startProxy([node.address], ['--redis-port', 'auto']);
  try {
    await updateAtOnce('count at a proxy', proxy.origin, await proxy.redisPort());
    const calls = await metricsOf(proxy.origin, 'kvs_node_calls_total');
    // One more reads the count.
    expect(Object.values(calls)).toEqual([2 * 3 * ROUNDS + 1]);
  } finally {
    await proxy.kill();
  }
});

/** Counts by three clients at the same time, two of which use the Redis protocol, and expects all to count. */
async function updateAtOnce(key: string, origin: string, redisPort: number): Promise<void> {
  const clients = await Promise.all([1, 2].map(() => RespClient.open(redisPort, 2)));
  try {
    const byRedis = clients.map(async (client) => {
      for (let round = 0; round < ROUNDS; round++)
        expect((await client.ask([['INCR', key]]))[0]?.type).toBe(':');
    });
    const overHttp = async (): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        const { json } = await send('POST', `${origin}/increment`, { body: [{ key: string(key), by: 1 }] });
        expect(json).toEqual([{ key: string(key), value: expect.anything() }]);
      }
    };
    await Promise.all([...byRedis, overHttp()]);
    const replies = await clients[0]?.ask([['GET', key]]);
    expect(replies?.[0]?.text).toBe(String(3 * ROUNDS));
  } finally {
    for (const client of clients) client.close();
  }
}

const ROUNDS = 50;
