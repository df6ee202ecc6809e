import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { PARTITION_COUNT } from '@kvs/protocol';
import { ClusterState } from './support/cluster-state.js';
import { startNode, startProxy, type StorageNode } from './support/cluster.js';
import { send } from './support/http.js';
import { overHttp, overRedis, SteadyWriters } from './support/steady-writers.js';
import { metricsOf } from './support/workers.js';

/** Long, because processes stand still for seconds on a busy machine. */
const WAITS = ['--failover-wait-ms', '60000', '--node-timeout-ms', '60000'];

let proxy: Awaited<ReturnType<typeof startProxy>>;
let cluster: ClusterState;
let nodes: StorageNode[];
let writers: SteadyWriters | undefined;
let redis: Redis | undefined;
/** Where nodes keep their pairs, if they keep them on disk. */
let directory: string | undefined;

async function startCluster(
  copies: number,
  invited: readonly string[],
  ...topology: string[]
): Promise<void> {
  const args = ['--topology', ...topology, '--copies', `${copies}`, '--redis-port', 'auto', ...WAITS];
  proxy = await startProxy(invited, args);
  cluster = new ClusterState(proxy.origin);
  nodes = [];
}

/** Returns a client of the proxy's port for Redis. */
async function connectRedis(): Promise<Redis> {
  redis = new Redis({ host: 'localhost', port: await proxy.process.redisPort });
  return redis;
}

async function addNode(id: string, ...args: string[]): Promise<StorageNode> {
  const node = await startNode(['--join', proxy.origin, '--id', id, ...args]);
  nodes.push(node);
  return node;
}

beforeEach(() => ([writers, redis, directory] = [undefined, undefined, undefined]));
afterEach(async () => {
  redis?.disconnect();
  await proxy.process.stop('SIGKILL');
  await Promise.all([writers?.stop().catch(() => undefined), ...nodes.map((node) => node.kill())]);
  if (directory !== undefined) await rm(directory, { recursive: true });
});

describe('a cluster with two copies in memory', () => {
  let first: StorageNode;
  beforeEach(async () => {
    await startCluster(2, [], 'memory', '--replace-after-ms', '1000');
    const inMemory = (id: string) => addNode(id, '--max-memory', '64mb');
    [first] = await Promise.all([inMemory('a'), inMemory('b'), inMemory('c')]);
    await cluster.untilComplete();
  });

  it.each([
    ['HTTP', async () => overHttp(proxy.origin)],
    ['the Redis protocol', async () => overRedis(await connectRedis())],
  ])(
    'has every write acknowledged over %s after a node was killed, and takes writes of all keys',
    async (_, connect) => {
      writers = new SteadyWriters(await connect());
      await untilCount(200);
      // A node that joined late is the primary of nothing yet.
      await cluster.until(async () => (await cluster.primariesOf('a')) > 0);
      await first.kill();
      await cluster.untilComplete();
      await untilCount(writers.count + 200);
      await writers.stop();
      expect(await writers.lost()).toEqual([]);
      const [failovers] = Object.values(await metricsOf(proxy.origin, 'kvs_failovers_total'));
      expect(failovers).toBeGreaterThan(0);
    },
  );

  it('gives a node that joins its share, and fails no write', async () => {
    writers = new SteadyWriters(overHttp(proxy.origin));
    await untilCount(200);
    await addNode('d', '--max-memory', '64mb');
    await cluster.until(async () => (await cluster.copiesOf('d')) > 1500);
    await cluster.untilComplete();
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('moves everything off a node that is drained, and fails no write', async () => {
    writers = new SteadyWriters(overHttp(proxy.origin));
    await untilCount(200);
    const remove = async () => (await send('DELETE', `${proxy.origin}/cluster/nodes/a`)).json;
    expect(await remove()).toMatchObject({ state: 'draining' });
    await cluster.until(async () => (await cluster.copiesOf('a')) === 0);
    expect(await remove()).toEqual({ state: 'removed' });
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('gives all partitions more copies or fewer when an operator says so, and fails no write', async () => {
    const setCopies = (copies: number) => send('PATCH', `${proxy.origin}/cluster`, { body: { copies } });
    const allCopies = async () =>
      (await Promise.all(['a', 'b', 'c'].map((id) => cluster.copiesOf(id)))).reduce((sum, one) => sum + one);
    writers = new SteadyWriters(overHttp(proxy.origin));
    await untilCount(200);
    for (const copies of [3, 1]) {
      expect((await setCopies(copies)).status).toBe(204);
      await cluster.until(async () => (await allCopies()) === copies * PARTITION_COUNT);
    }
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('fails no write when a node is stopped in order', async () => {
    writers = new SteadyWriters(overHttp(proxy.origin));
    await untilCount(200);
    first.signal('SIGTERM');
    await cluster.until(async () => (await cluster.primariesOf('a')) === 0);
    await untilCount(writers.count + 200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });
});

describe('nodes that have pairs before they are a cluster', () => {
  it('keep them, and make copies of them', async () => {
    const started = await Promise.all(['a', 'b'].map(() => startNode(['--max-memory', '64mb'])));
    const addresses = started.map(({ address }) => address);
    const pairs = Array.from({ length: 100 }, (_, i) => ({ key: `key ${i}`, value: `value ${i}` }));
    const data = (text: string) => ({ encoding: 'string', data: text });
    const items = pairs.map(({ key, value }) => ({ key: data(key), value: data(value) }));
    const fixed = await startProxy(addresses);
    expect((await send('PUT', `${fixed.origin}/set`, { body: items })).status).toBe(200);
    await fixed.process.stop('SIGKILL');
    await startCluster(2, addresses, 'memory');
    nodes = started;
    await cluster.untilComplete();
    await started[0]?.kill();
    const fetched = await send('POST', `${proxy.origin}/fetch`, { body: items.map(({ key }) => key) });
    expect(fetched.json).toEqual(items);
  });
});

describe('a cluster with two copies on disk', () => {
  beforeEach(async () => {
    const path = await mkdtemp(join(tmpdir(), 'kvs-cluster-'));
    directory = path;
    await startCluster(2, [], `file:${join(path, 'topology')}`);
    const onDisk = (id: string) => addNode(id, '--engine', 'lmdb', '--data-dir', join(path, id));
    await Promise.all(['a', 'b'].map(onDisk));
    await cluster.untilComplete();
  });

  it('has every acknowledged write after all nodes were killed at once', async () => {
    writers = new SteadyWriters(overHttp(proxy.origin));
    await untilCount(200);
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all(nodes.map((node) => node.restart()));
    await untilCount(writers.count + 200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
  });
});

async function untilCount(count: number): Promise<void> {
  await cluster.until(async () => (writers?.count ?? 0) >= count);
}
