import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { PARTITION_COUNT } from '@kvs/protocol';
import { LocalCluster, type LocalServer } from '@kvs-tools/local-cluster';
import { send } from './support/http.js';
import { overHttp, overRedis, SteadyWriters } from './support/steady-writers.js';
import { metricsOf } from './support/metrics.js';

/** Long, because processes stand still for seconds on a busy machine. */
const WAITS = ['--failover-wait-ms', '60000', '--node-timeout-ms', '60000'];

let cluster: LocalCluster;
const started: LocalCluster[] = [];
let writers: SteadyWriters | undefined;
let redis: Redis | undefined;
/** Where nodes keep their pairs, if they keep them on disk. */
let directory: string | undefined;

async function startCluster(nodes: readonly LocalServer[], ...topology: string[]): Promise<void> {
  const settings = ['--copies', '2', '--redis-port', 'auto', ...WAITS];
  cluster = await LocalCluster.of(nodes, ['--topology', ...topology, ...settings]);
  started.push(cluster);
}

/** Returns a client of the proxy's port for Redis. */
async function connectRedis(): Promise<Redis> {
  redis = new Redis({ host: 'localhost', port: await cluster.proxy.redisPort() });
  return redis;
}

beforeEach(() => ([writers, redis, directory] = [undefined, undefined, undefined]));
afterEach(async () => {
  redis?.disconnect();
  const stopping = started.splice(0).map((each) => each.stop());
  await Promise.all([writers?.stop().catch(() => undefined), ...stopping]);
  if (directory !== undefined) await rm(directory, { recursive: true });
});

describe('a cluster with two copies in memory', () => {
  /** A node that stops has long enough to have its pairs copied, also on a busy machine. */
  const addNode = (id: string) =>
    cluster.addNode(id, ['--max-memory', '64mb', '--shutdown-timeout-ms', '60000']);
  let first: LocalServer;
  let second: LocalServer;
  beforeEach(async () => {
    await startCluster([], 'memory', '--replace-after-ms', '1000');
    [first, second] = await Promise.all([addNode('a'), addNode('b'), addNode('c')]);
    await cluster.state.untilComplete();
  });

  it.each([
    ['HTTP', async () => overHttp(cluster.origin)],
    ['the Redis protocol', async () => overRedis(await connectRedis())],
  ])(
    'has every write acknowledged over %s after a node was killed, and takes writes of all keys',
    async (_, connect) => {
      writers = new SteadyWriters(await connect());
      await writers.untilMore(200);
      // A node that joined late is the primary of nothing yet.
      await cluster.state.until(async () => (await cluster.state.primariesOf('a')) > 0);
      await first.kill();
      await cluster.state.untilComplete();
      await writers.untilMore(200);
      await writers.stop();
      expect(await writers.lost()).toEqual([]);
      const [failovers] = Object.values(await metricsOf(cluster.origin, 'kvs_failovers_total'));
      expect(failovers).toBeGreaterThan(0);
    },
  );

  it('gives a node that joins its share, and fails no write', async () => {
    writers = new SteadyWriters(overHttp(cluster.origin));
    await writers.untilMore(200);
    await addNode('d');
    await cluster.state.until(async () => (await cluster.state.copiesOf('d')) > 1500);
    await cluster.state.untilComplete();
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('moves everything off a node that is drained, and fails no write', async () => {
    writers = new SteadyWriters(overHttp(cluster.origin));
    await writers.untilMore(200);
    const remove = async () => (await send('DELETE', `${cluster.origin}/cluster/nodes/a`)).json;
    expect(await remove()).toMatchObject({ state: 'draining' });
    await cluster.state.until(async () => (await cluster.state.copiesOf('a')) === 0);
    expect(await remove()).toEqual({ state: 'removed' });
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('gives all partitions more copies or fewer when an operator says so, and fails no write', async () => {
    const setCopies = (copies: number) => send('PATCH', `${cluster.origin}/cluster`, { body: { copies } });
    const allCopies = async () =>
      (await Promise.all(['a', 'b', 'c'].map((id) => cluster.state.copiesOf(id)))).reduce(
        (sum, one) => sum + one,
      );
    writers = new SteadyWriters(overHttp(cluster.origin));
    await writers.untilMore(200);
    for (const copies of [3, 1]) {
      expect((await setCopies(copies)).status).toBe(204);
      await cluster.state.until(async () => (await allCopies()) === copies * PARTITION_COUNT);
    }
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('fails no write when a node is stopped in order', async () => {
    writers = new SteadyWriters(overHttp(cluster.origin));
    await writers.untilMore(200);
    first.signal('SIGTERM');
    await cluster.state.until(async () => (await cluster.state.primariesOf('a')) === 0);
    await writers.untilMore(200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('has every acknowledged write after a node was killed just before another was stopped in order', async () => {
    writers = new SteadyWriters(overHttp(cluster.origin));
    await writers.untilMore(200);
    await Promise.all([first.kill(), second.stop()]);
    await writers.untilMore(200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
  });
});

describe('nodes that have pairs before they are a cluster', () => {
  it('keep them, and make copies of them', async () => {
    const fixed = await LocalCluster.start(2, { nodeArgs: ['--max-memory', '64mb'] });
    started.push(fixed);
    const pairs = Array.from({ length: 100 }, (_, i) => ({ key: `key ${i}`, value: `value ${i}` }));
    const data = (text: string) => ({ encoding: 'string', data: text });
    const items = pairs.map(({ key, value }) => ({ key: data(key), value: data(value) }));
    expect((await send('PUT', `${fixed.origin}/set`, { body: items })).status).toBe(200);
    await fixed.proxy.kill();
    await startCluster(fixed.nodes, 'memory');
    await cluster.state.untilComplete();
    await cluster.nodes[0]?.kill();
    const fetched = await send('POST', `${cluster.origin}/fetch`, { body: items.map(({ key }) => key) });
    expect(fetched.json).toEqual(items);
  });
});

describe('a cluster with two copies on disk', () => {
  beforeEach(async () => {
    const path = await mkdtemp(join(tmpdir(), 'kvs-cluster-'));
    directory = path;
    await startCluster([], `file:${join(path, 'topology')}`);
    const onDisk = (id: string) => cluster.addNode(id, ['--engine', 'lmdb', '--data-dir', join(path, id)]);
    await Promise.all(['a', 'b'].map(onDisk));
    await cluster.state.untilComplete();
  });

  it('has every acknowledged write after all nodes were killed at once', async () => {
    writers = new SteadyWriters(overHttp(cluster.origin));
    await writers.untilMore(200);
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await Promise.all(cluster.nodes.map((node) => node.restart()));
    await writers.untilMore(200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
  });
});
