import { describeWithRedis, RedisProcess } from '@kvs/kv-store-redis/testing';
import { startNode, startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { compareWithRedis } from './support/redis-comparison.js';
import { RespClient } from './support/resp-client.js';

/** Sequences for each kind of server and version of the protocol. */
const SEQUENCES = Number(process.env['KVS_REDIS_SEQUENCES']) || 150;
/** Few, so that commands can have more keys. */
const MAX_BATCH_ITEMS = 20;
const [NODE, PROXY] = ['a node', 'a proxy of two nodes'] as const;

describeWithRedis('commands of Redis', () => {
  let redis: RedisProcess;
  let nodes: LocalServer[] = [];
  let proxy: LocalServer;
  const ports = new Map<string, number>();
  const portOf = (server: string): number => ports.get(server) ?? 0;
  beforeAll(async () => {
    redis = await RedisProcess.start();
    const args = ['--redis-port', 'auto', '--max-batch-items', String(MAX_BATCH_ITEMS)];
    const [node, other] = [await startNode(args), await startNode(args)];
    nodes = [node, other];
    proxy = await startProxy([node.address, other.address], args);
    ports.set(NODE, await node.redisPort()).set(PROXY, await proxy.redisPort());
  });
  afterAll(async () => {
    await proxy.kill();
    await Promise.all(nodes.map((node) => node.kill()));
    await redis.stop();
  });

  it.each([
    { server: NODE, protocol: 2 },
    { server: NODE, protocol: 3 },
    { server: PROXY, protocol: 2 },
    { server: PROXY, protocol: 3 },
  ] as const)(
    'are answered by $server as Redis does, in RESP$protocol',
    async ({ server, protocol }) => {
      await compareWithRedis(portOf(server), redis.port, protocol, SEQUENCES);
    },
    300_000 + SEQUENCES * 500,
  );

  it.each([NODE, PROXY])('may have more keys than a batch has items, at %s', async (server) => {
    const client = await RespClient.open(portOf(server), 2);
    const keys = Array.from({ length: 2 * MAX_BATCH_ITEMS }, (_, i) => `{same node}${i}`);
    const pairs = keys.slice(MAX_BATCH_ITEMS - 5).flatMap((key) => [key, 'v']);
    const replies = await client.ask([
      ['FLUSHALL'],
      ['MSET', ...pairs],
      ['EXISTS', ...keys],
      ['TOUCH', ...keys],
      ['DBSIZE'],
      ['UNLINK', ...keys],
      ['MSETNX', ...pairs],
      ['DEL', ...keys],
    ]);
    const count = String(pairs.length / 2);
    expect(replies.map(({ text }) => text)).toEqual(['OK', 'OK', count, count, count, count, '1', count]);
    const [values] = await client.ask([['MGET', ...keys]]);
    expect(values?.items).toHaveLength(keys.length);
    client.close();
  });
});
