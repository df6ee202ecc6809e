import { describeWithRedis, RedisProcess } from '@kvs/kv-store-redis/testing';
import { ClusterState } from './support/cluster-state.js';
import { startNode, startProxy, type StorageNode } from './support/cluster.js';
import { send } from './support/http.js';
import { overHttp, SteadyWriters } from './support/steady-writers.js';

/** Long, because processes stand still for seconds on a busy machine. */
const WAITS = ['--failover-wait-ms', '60000', '--node-timeout-ms', '60000'];

describeWithRedis('a cluster of nodes on one Redis', () => {
  let redis: RedisProcess;
  let proxy: Awaited<ReturnType<typeof startProxy>>;
  let cluster: ClusterState;
  let nodes: Map<string, StorageNode>;
  let writers: SteadyWriters | undefined;

  beforeAll(async () => {
    redis = await RedisProcess.start();
  });
  afterAll(() => redis.stop());

  beforeEach(async () => {
    nodes = new Map();
    proxy = await startProxy([], ['--topology', 'memory', ...WAITS]);
    cluster = new ClusterState(proxy.origin);
    await Promise.all(['a', 'b', 'c'].map((id) => addNode(id)));
    await cluster.untilComplete();
    writers = new SteadyWriters(overHttp(proxy.origin));
    await untilCount(200);
  });
  afterEach(async () => {
    await proxy.process.stop('SIGKILL');
    await Promise.all([
      writers?.stop().catch(() => undefined),
      ...[...nodes.values()].map((node) => node.kill()),
    ]);
  });

  async function addNode(id: string, url = redis.url): Promise<StorageNode> {
    const node = await startNode([
      '--join',
      proxy.origin,
      '--id',
      id,
      '--engine',
      'redis',
      '--redis-url',
      url,
    ]);
    nodes.set(id, node);
    return node;
  }

  async function untilCount(count: number): Promise<void> {
    await cluster.until(async () => (writers?.count ?? 0) >= count);
  }

  it('has every acknowledged write after a node was killed, and reads and writes all keys', async () => {
    await nodes.get('a')?.kill();
    await cluster.until(async () => (await cluster.primariesOf('a')) === 0);
    const before = writers?.count ?? 0;
    const failed = writers?.failures.length ?? 0;
    await untilCount(before + 800);
    await writers?.stop();
    expect(await writers?.lost()).toEqual([]);
    expect(writers?.failures.slice(failed)).toEqual([]);
    // Only writes that were in flight at the moment may have failed, one of each writer.
    expect(failed).toBeLessThanOrEqual(4);
    await nodes.get('a')?.restart();
    await cluster.until(async () => (await cluster.primariesOf('a')) > 1000);
  });

  it('fails no write when a node joins, another is drained, and a third is stopped in order', async () => {
    await addNode('d');
    await cluster.until(async () => (await cluster.primariesOf('d')) > 800);
    const remove = async () => (await send('DELETE', `${proxy.origin}/cluster/nodes/a`)).json;
    expect(await remove()).toMatchObject({ state: 'draining' });
    await cluster.until(async () => (await cluster.primariesOf('a')) === 0);
    expect(await remove()).toEqual({ state: 'removed' });
    nodes.get('b')?.signal('SIGTERM');
    await cluster.until(async () => (await cluster.primariesOf('b')) === 0);
    await untilCount((writers?.count ?? 0) + 200);
    await writers?.stop();
    expect(await writers?.lost()).toEqual([]);
    expect(writers?.failures).toEqual([]);
  });

  it('takes neither a node with another Redis nor one with pairs of its own', async () => {
    const other = await RedisProcess.start();
    try {
      nodes.set('own', await startNode(['--join', proxy.origin, '--id', 'own']));
      const stranger = await addNode('stranger', other.url);
      await untilCount((writers?.count ?? 0) + 200);
      const { status, text } = await send('GET', `${stranger.origin}/health/ready`);
      expect([status, text]).toEqual([503, expect.stringContaining('not joined')]);
      const { text: state } = await send('GET', `${proxy.origin}/cluster`);
      expect(state).not.toMatch(/"(own|stranger)"/);
      const settings = await send('PATCH', `${proxy.origin}/cluster`, { body: { copies: 2 } });
      expect([settings.status, settings.text]).toEqual([400, expect.stringContaining('share one store')]);
    } finally {
      await other.stop();
    }
  });
});
