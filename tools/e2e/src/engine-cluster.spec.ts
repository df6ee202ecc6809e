import { describeWithRedis, RedisProcess } from '@kvs/kv-store-redis/testing';
import { until } from '@kvs/protocol/testing';
import { LocalCluster, startNode, startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { keysByNode, string } from './support/data.js';
import { send } from './support/http.js';

describe('a node whose memory is full, behind a proxy', () => {
  const large = string('v'.repeat(512 * 1024));
  let cluster: LocalCluster;
  beforeAll(async () => {
    cluster = await LocalCluster.start(2, { nodeArgs: ['--max-memory', '4mb'] });
  });
  afterAll(() => cluster.stop());

  it('refuses writes with 507, and serves reads, deletes and the other node', async () => {
    const [full = '', other = ''] = cluster.nodes.map(({ address }) => address);
    const keys = keysByNode([full, other], 12);
    const ofFull = keys.get(full) ?? [];
    const ofOther = keys.get(other) ?? [];
    const set = (batch: readonly unknown[], value = large) =>
      send('PUT', `${cluster.origin}/set`, { body: batch.map((key) => ({ key, value })) });

    const filling = await set(ofFull);
    expect(filling.status).toBe(207);
    const last = ofFull.at(-1);
    const refusal = { key: last, code: 'out_of_memory', message: expect.any(String) };
    const refused = await set([last]);
    expect([refused.status, refused.json]).toEqual([507, { keys_added: 0, keys_failed: [refusal] }]);
    const mixed = await set([last, ofOther[0]]);
    expect([mixed.status, mixed.json]).toEqual([207, { keys_added: 1, keys_failed: [refusal] }]);

    const read = await send('POST', `${cluster.origin}/fetch`, { body: [ofFull[0], last] });
    expect([read.status, read.json]).toEqual([
      200,
      [
        { key: ofFull[0], value: large },
        { key: last, value: null },
      ],
    ]);
    expect((await send('POST', `${cluster.origin}/delete`, { body: [ofFull[0]] })).status).toBe(200);
    expect((await set([last])).status).toBe(200);
  });
});

describeWithRedis('nodes with --engine redis', () => {
  let redis: RedisProcess;
  let nodes: LocalServer[] = [];
  beforeAll(async () => {
    redis = await RedisProcess.start();
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.kill()));
    nodes = [];
  });
  afterAll(() => redis.stop());

  async function start(prefix: string): Promise<LocalServer> {
    const node = await startNode(['--engine', 'redis', '--redis-url', redis.url, '--redis-prefix', prefix]);
    nodes.push(node);
    return node;
  }

  it('keep nothing themselves: another node with the same prefix serves the pairs of one that died', async () => {
    const first = await start('shop');
    const pairs = Array.from({ length: 50 }, (_, i) => ({ key: string(`key-${i}`), value: string(`${i}`) }));
    expect((await send('PUT', `${first.origin}/set`, { body: pairs })).status).toBe(200);
    const etag = (await send('GET', `${first.origin}/keys/key-7`)).headers.get('etag');
    await first.kill();

    const second = await start('shop');
    const proxy = await startProxy([second.address]);
    try {
      const read = await send('POST', `${proxy.origin}/fetch`, { body: pairs.map(({ key }) => key) });
      expect([read.status, read.json]).toEqual([200, pairs]);
      const stillThere = await send('PUT', `${proxy.origin}/keys/key-7`, {
        body: 'new',
        headers: { 'if-match': etag ?? '' },
      });
      expect(stillThere.status).toBe(204);
    } finally {
      await proxy.kill();
    }
    const stranger = await start('other');
    expect((await send('GET', `${stranger.origin}/fetch`)).json).toEqual([]);
  });

  it('answer reads and writes with 503 engine_unavailable while Redis hangs, and serve again afterwards', async () => {
    const node = await start('hangs');
    const query = () => send('POST', `${node.origin}/query`, { body: [string('key')] });
    expect((await query()).status).toBe(200);
    redis.pause();
    try {
      const write = send('PUT', `${node.origin}/keys/key`, { body: 'v' });
      for (const { status, text } of [await query(), await write])
        expect([status, text]).toEqual([503, expect.stringContaining('engine_unavailable')]);
    } finally {
      redis.resume();
    }
    await until(async () => (await query()).status === 200);
  });

  it('answer 503 engine_unavailable while Redis is down, and serve again afterwards', async () => {
    const node = await start('away');
    const query = () => send('POST', `${node.origin}/query`, { body: [string('key')] });
    expect((await query()).status).toBe(200);
    await redis.kill();
    const without = await query();
    expect([without.status, without.text]).toEqual([503, expect.stringContaining('engine_unavailable')]);
    expect((await send('PUT', `${node.origin}/keys/key`, { body: 'v' })).status).toBe(503);
    await redis.run();
    await until(async () => (await query()).status === 200);
    expect((await send('PUT', `${node.origin}/keys/key`, { body: 'v' })).status).toBe(201);
  });
});
