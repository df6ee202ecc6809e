import { freePorts, RedisServer } from '@kvs-tools/local-cluster';
import { startNode, startProxy, type StorageNode } from './support/cluster.js';
import { compareWithRedis } from './support/redis-comparison.js';
import { RespClient } from './support/resp-client.js';
import { describeWithRedis } from '../test/with-redis.js';

/** Sequences for each kind of server and version of the protocol. */
const SEQUENCES = Number(process.env['KVS_REDIS_SEQUENCES']) || 150;
/** Few, so that commands can have more keys. */
const MAX_BATCH_ITEMS = 20;

describeWithRedis('commands of Redis', () => {
  let redis: RedisServer;
  let nodes: StorageNode[] = [];
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let nodePort: number;
  beforeAll(async () => {
    redis = await RedisServer.start();
    nodePort = await freePorts(2);
    const limits = ['--max-batch-items', String(MAX_BATCH_ITEMS)];
    nodes = [await startNode(['--redis-port', String(nodePort), ...limits]), await startNode(limits)];
    const addresses = nodes.map(({ address }) => address);
    proxy = await startProxy(addresses, ['--redis-port', String(nodePort + 1), ...limits]);
  });
  afterAll(async () => {
    await proxy.process.stop('SIGKILL');
    await Promise.all(nodes.map((node) => node.kill()));
    await redis.stop();
  });

  it.each([
    { server: 'a node', offset: 0, protocol: 2 },
    { server: 'a node', offset: 0, protocol: 3 },
    { server: 'a proxy of two nodes', offset: 1, protocol: 2 },
    { server: 'a proxy of two nodes', offset: 1, protocol: 3 },
  ] as const)(
    'are answered by $server as Redis does, in RESP$protocol',
    async ({ offset, protocol }) => {
      await compareWithRedis(nodePort + offset, redis.port, protocol, SEQUENCES);
    },
    300_000 + SEQUENCES * 500,
  );

  it.each([
    { server: 'a node', offset: 0 },
    { server: 'a proxy of two nodes', offset: 1 },
  ])('may have more keys than a batch has items, at $server', async ({ offset }) => {
    const client = await RespClient.open(nodePort + offset, 2);
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
