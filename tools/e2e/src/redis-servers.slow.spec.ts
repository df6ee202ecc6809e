import { freePorts, RedisServer } from '@kvs-tools/local-cluster';
import { startNode, startProxy, type StorageNode } from './support/cluster.js';
import { compareWithRedis } from './support/redis-comparison.js';
import { describeWithRedis } from '../test/with-redis.js';

const SEQUENCES = 150;

describeWithRedis('commands of Redis', () => {
  let redis: RedisServer;
  let nodes: StorageNode[] = [];
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let nodePort: number;
  beforeAll(async () => {
    redis = await RedisServer.start();
    nodePort = await freePorts(2);
    nodes = [await startNode(['--redis-port', String(nodePort)]), await startNode()];
    const addresses = nodes.map(({ address }) => address);
    proxy = await startProxy(addresses, ['--redis-port', String(nodePort + 1)]);
  });
  afterAll(async () => {
    await proxy.process.stop('SIGKILL');
    await Promise.all(nodes.map((node) => node.kill()));
    await redis.stop();
  });

  it.each([
    { server: 'a node', offset: 0, protocol: 3 },
    { server: 'a proxy of two nodes', offset: 1, protocol: 2 },
    { server: 'a proxy of two nodes', offset: 1, protocol: 3 },
  ] as const)('are answered by $server as Redis does, in RESP$protocol', async ({ offset, protocol }) => {
    await compareWithRedis(nodePort + offset, redis.port, protocol, SEQUENCES);
  });
});
