import { startCluster, type Cluster } from './support/cluster.js';
import { keysByNode, string } from './support/data.js';
import { send } from './support/http.js';

describe.each(['link', 'http'])('with --node-protocol %s', (protocol) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster(2, { proxyArgs: ['--node-protocol', protocol] });
  });
  afterAll(() => cluster.stop());

  it('many clients at once have each their own answers', async () => {
    const keys = Array.from({ length: 200 }, (_, i) => string(`key-${i}`));
    const writes = keys.map((key) => send('PUT', `${cluster.proxy}/set`, { body: [{ key, value: key }] }));
    for (const { status } of await Promise.all(writes)) expect(status).toBe(200);
    const reads = keys.map((key) => send('POST', `${cluster.proxy}/fetch`, { body: [key] }));
    expect((await Promise.all(reads)).map(({ json }) => json)).toEqual(
      keys.map((key) => [{ key, value: key }]),
    );
  });

  it('a node that was away is used again when it is back', async () => {
    const [node] = cluster.nodes;
    const keys = keysByNode(
      cluster.nodes.map(({ address }) => address),
      3,
    );
    const body = (keys.get(node?.address ?? '') ?? []).map((key) => ({ key, value: key }));
    await node?.kill();
    expect((await send('PUT', `${cluster.proxy}/set`, { body })).status).toBe(503);
    await node?.restart();
    for (let status = 503; status !== 200;) {
      const answer = await send('PUT', `${cluster.proxy}/set`, { body });
      status = answer.status;
      expect([200, 503]).toContain(status); // the link may be on its way still
    }
  });
});

it('a node says at /link what it is for', async () => {
  const cluster = await startCluster(1);
  try {
    const { status, headers, json } = await send('GET', `${cluster.nodes[0]?.origin}/link`);
    expect([status, headers.get('upgrade'), json]).toEqual([
      426,
      'kvs-link/2',
      expect.objectContaining({ code: 'upgrade_required' }),
    ]);
  } finally {
    await cluster.stop();
  }
});
