import { LocalCluster, startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { keysByNode, string } from './support/data.js';
import { open, readAll, send } from './support/http.js';
import type { EncodedData } from '@kvs/protocol';

let cluster: LocalCluster;
let keys: Map<string, EncodedData[]>;
let all: EncodedData[];

beforeAll(async () => {
  // Long, so that no answer is late on a busy machine in tests without a hanging node.
  cluster = await LocalCluster.start(3, { proxyArgs: ['--node-timeout-ms', '60000'] });
  keys = keysByNode(
    cluster.nodes.map(({ address }) => address),
    5,
  );
  all = [...keys.values()].flat();
});
afterAll(() => cluster.stop());

beforeEach(async () => {
  await Promise.all(cluster.nodes.map((node) => node.revive()));
  const left = (await send('GET', `${cluster.origin}/fetch`)).json as { key: EncodedData }[];
  await send('POST', `${cluster.origin}/delete`, { body: left.map(({ key }) => key) });
  await send('PUT', `${cluster.origin}/set`, { body: all.map((key) => ({ key, value: key })) });
});

function nodeAt(index: number): LocalServer {
  const node = cluster.nodes[index];
  if (!node) throw new RangeError(`there is no node ${index}`);
  return node;
}

const unavailable = expect.objectContaining({ code: 'node_unavailable' });

describe('a node that is down', () => {
  it('fails only its own keys, and is used again when it is back', async () => {
    const lost = nodeAt(1);
    await lost.kill();
    const lostKeys = keys.get(lost.address) ?? [];
    const isLost = (key: EncodedData) => lostKeys.some(({ data }) => data === key.data);

    const fetched = await send('POST', `${cluster.origin}/fetch`, { body: all });
    expect([fetched.status, fetched.json]).toEqual([
      207,
      all.map((key) => (isLost(key) ? { key, value: null, error: unavailable } : { key, value: key })),
    ]);
    const queried = await send('POST', `${cluster.origin}/query`, { body: all });
    expect([queried.status, queried.json]).toEqual([
      207,
      all.map((key) => (isLost(key) ? { key, value: null, error: unavailable } : { key, value: true })),
    ]);
    const written = await send('PUT', `${cluster.origin}/set`, {
      body: all.map((key) => ({ key, value: string('new') })),
    });
    expect([written.status, written.json]).toEqual([
      207,
      {
        keys_added: 10,
        keys_failed: lostKeys.map((key) => ({ key, code: 'node_unavailable', message: expect.any(String) })),
      },
    ]);

    await lost.restart();
    const back = await send('PUT', `${cluster.origin}/set`, {
      body: lostKeys.map((key) => ({ key, value: string('back') })),
    });
    expect([back.status, back.json]).toEqual([200, { keys_added: 5, keys_failed: [] }]);
    const reread = await send('POST', `${cluster.origin}/fetch`, { body: all });
    expect([reread.status, reread.json]).toEqual([
      200,
      all.map((key) => ({ key, value: string(isLost(key) ? 'back' : 'new') })),
    ]);
  });

  it('answers 503 with Retry-After when every item needs it', async () => {
    const lost = nodeAt(0);
    await lost.kill();
    const body = keys.get(lost.address) ?? [];
    const { status, headers, json } = await send('POST', `${cluster.origin}/fetch`, { body });
    expect([status, json]).toEqual([503, body.map((key) => ({ key, value: null, error: unavailable }))]);
    expect(headers.get('retry-after')).not.toBeNull();
    const single = await send('GET', `${cluster.origin}/keys/${body[0]?.data}`);
    expect([single.status, single.json]).toEqual([503, unavailable]);
  });

  it('fails a scan, which names the node, unless partial=true', async () => {
    const lost = nodeAt(2);
    await lost.kill();
    const all = await send('GET', `${cluster.origin}/fetch`);
    expect([all.status, all.json]).toEqual([
      503,
      expect.objectContaining({ code: 'node_unavailable', nodes: [lost.address] }),
    ]);
    const partial = await send('GET', `${cluster.origin}/fetch?partial=true`);
    expect([partial.status, partial.headers.get('kvs-missing-nodes')]).toEqual([207, lost.address]);
    expect(partial.json).toHaveLength(10);
    const page = await send('GET', `${cluster.origin}/fetch?limit=1000000`);
    expect(page.status).toBe(503);
  });

  it('is shown as down by /cluster, and the proxy stays ready while other nodes are up', async () => {
    await nodeAt(0).kill();
    const { json } = await send('GET', `${cluster.origin}/cluster`);
    expect(json).toMatchObject({ nodes: [{ state: 'down', keys: null }, { state: 'up' }, { state: 'up' }] });
    expect((await send('GET', `${cluster.origin}/health/ready`)).status).toBe(200);
    await Promise.all([nodeAt(1).kill(), nodeAt(2).kill()]);
    const ready = await send('GET', `${cluster.origin}/health/ready`);
    expect([ready.status, ready.json]).toEqual([503, expect.objectContaining({ code: 'not_ready' })]);
    expect((await send('GET', `${cluster.origin}/health/live`)).status).toBe(200);
  });
});

describe('a node that hangs', () => {
  it('fails its keys after the time-out, and reports that a write may have been applied', async () => {
    const hung = nodeAt(1);
    const impatient = await startProxy(
      cluster.nodes.map(({ address }) => address),
      ['--node-timeout-ms', '3000'],
    );
    try {
      // The links are open, so the proxy only waits for the answer.
      expect((await send('POST', `${impatient.origin}/query`, { body: all })).status).toBe(200);
      hung.signal('SIGSTOP');
      const body = all.map((key) => ({ key, value: string('late') }));
      const written = await send('PUT', `${impatient.origin}/set`, { body });
      const failure = (key: EncodedData) => ({
        key,
        code: 'node_unavailable',
        message: expect.any(String),
        maybe_applied: true,
      });
      expect([written.status, written.json]).toEqual([
        207,
        { keys_added: 10, keys_failed: (keys.get(hung.address) ?? []).map(failure) },
      ]);
    } finally {
      hung.signal('SIGCONT');
      await impatient.stop();
    }
    // The write was sent, so the node applies it when it goes on.
    let late: unknown;
    const expected = all.map((key) => ({ key, value: string('late') }));
    do {
      late = (await send('POST', `${cluster.origin}/fetch`, { body: all })).json;
    } while (JSON.stringify(late) !== JSON.stringify(expected));
    expect(late).toEqual(expected);
  });
});

describe('a scan during which a node dies', () => {
  it('is cut, and never looks complete', async () => {
    const value = string('x'.repeat(1024 * 1024));
    const large = [...keysByNode([...keys.keys()], 30).values()].flat();
    for (let i = 0; i < large.length; i += 15) {
      const body = large.slice(i, i + 15).map((key) => ({ key, value }));
      expect((await send('PUT', `${cluster.origin}/set`, { body })).status).toBe(200);
    }
    const [array, lines] = await Promise.all([
      open(`${cluster.origin}/fetch`),
      open(`${cluster.origin}/fetch`, { accept: 'application/x-ndjson' }),
    ]);
    expect([array.statusCode, lines.statusCode]).toEqual([200, 200]);
    // The client does not read yet, so most pairs are still at the nodes.
    await nodeAt(2).kill();
    const [brokenArray, brokenLines] = await Promise.all([readAll(array), readAll(lines)]);
    expect(() => JSON.parse(brokenArray.text)).toThrow(SyntaxError);
    expect([brokenArray.complete, brokenLines.complete]).toEqual([false, false]);
    // The proxy goes on.
    expect((await send('GET', `${cluster.origin}/fetch?partial=true`)).status).toBe(207);
  });
});

it('pairs that a node holds from another list of nodes are not shown', async () => {
  const [first] = cluster.nodes;
  const alone = await startProxy([first?.address ?? '']);
  try {
    // This proxy has only one node, which therefore owns all keys.
    const strays = Array.from({ length: 50 }, (_, i) => string(`stray-${i}`));
    await send('PUT', `${alone.origin}/set`, { body: strays.map((key) => ({ key, value: key })) });
    const [viaFetch, viaScan] = await Promise.all([
      send('POST', `${cluster.origin}/fetch`, { body: strays }),
      send('GET', `${cluster.origin}/fetch?prefix=stray-`),
    ]);
    const found = (viaFetch.json as { value: unknown }[]).filter(({ value }) => value !== null);
    expect(viaScan.json).toHaveLength(found.length);
    expect(found.length).toBeLessThan(50);
  } finally {
    await alone.stop();
  }
});
