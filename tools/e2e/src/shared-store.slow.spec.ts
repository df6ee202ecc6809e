import { describeWithRedis, RedisProcess } from '@kvs/kv-store-redis/testing';
import { LocalCluster, type LocalServer } from '@kvs-tools/local-cluster';
import { send } from './support/http.js';
import { overHttp, SteadyWriters } from './support/steady-writers.js';

/** Long, because processes stand still for seconds on a busy machine. */
const WAITS = ['--failover-wait-ms', '60000', '--node-timeout-ms', '60000'];

describeWithRedis('a cluster of nodes on one Redis', () => {
  let redis: RedisProcess;
  let cluster: LocalCluster;
  let first: LocalServer;
  let second: LocalServer;
  let writers: SteadyWriters;
  const started: (LocalCluster | SteadyWriters)[] = [];

  beforeAll(async () => {
    redis = await RedisProcess.start();
  });
  afterAll(() => redis.stop());

  beforeEach(async () => {
    cluster = await LocalCluster.of([], ['--topology', 'memory', ...WAITS]);
    started.push(cluster);
    [first, second] = await Promise.all([addNode('a'), addNode('b'), addNode('c')]);
    await cluster.state.untilComplete();
    writers = new SteadyWriters(overHttp(cluster.origin));
    started.push(writers);
    await writers.untilMore(200);
  });
  afterEach(async () => {
    await Promise.allSettled(started.splice(0).map((each) => each.stop()));
  });

  function addNode(id: string, url = redis.url): Promise<LocalServer> {
    return cluster.addNode(id, ['--engine', 'redis', '--redis-url', url]);
  }

  it('has every acknowledged write after a node was killed, and reads and writes all keys', async () => {
    await first.kill();
    await cluster.state.until(async () => (await cluster.state.primariesOf('a')) === 0);
    const failed = writers.failures.length;
    await writers.untilMore(800);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures.slice(failed)).toEqual([]);
    // Only writes that were in flight at the moment may have failed, one of each writer.
    expect(failed).toBeLessThanOrEqual(4);
    await first.restart();
    await cluster.state.until(async () => (await cluster.state.primariesOf('a')) > 1000);
  });

  it('fails no write when a node joins, another is drained, and a third is stopped in order', async () => {
    await addNode('d');
    await cluster.state.until(async () => (await cluster.state.primariesOf('d')) > 800);
    const remove = async () => (await send('DELETE', `${cluster.origin}/cluster/nodes/a`)).json;
    expect(await remove()).toMatchObject({ state: 'draining' });
    await cluster.state.until(async () => (await cluster.state.primariesOf('a')) === 0);
    expect(await remove()).toEqual({ state: 'removed' });
    second.signal('SIGTERM');
    await cluster.state.until(async () => (await cluster.state.primariesOf('b')) === 0);
    await writers.untilMore(200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('takes neither a node with another Redis nor one with pairs of its own', async () => {
    const other = await RedisProcess.start();
    try {
      await cluster.addNode('own');
      const stranger = await addNode('stranger', other.url);
      await writers.untilMore(200);
      const { status, text } = await send('GET', `${stranger.origin}/health/ready`);
      expect([status, text]).toEqual([503, expect.stringContaining('not joined')]);
      const { text: state } = await send('GET', `${cluster.origin}/cluster`);
      expect(state).not.toMatch(/"(own|stranger)"/);
      const settings = await send('PATCH', `${cluster.origin}/cluster`, { body: { copies: 2 } });
      expect([settings.status, settings.text]).toEqual([400, expect.stringContaining('share one store')]);
    } finally {
      await other.stop();
    }
  });
});
