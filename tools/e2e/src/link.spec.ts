import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { LocalCluster, startNode, startProxy, workspaceRoot } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { send } from './support/http.js';

let cluster: LocalCluster;
beforeAll(async () => {
  cluster = await LocalCluster.start(2);
});
afterAll(() => cluster.stop());

it('many clients at once have each their own answers', async () => {
  const keys = Array.from({ length: 200 }, (_, i) => string(`key-${i}`));
  const writes = keys.map((key) => send('PUT', `${cluster.origin}/set`, { body: [{ key, value: key }] }));
  for (const { status } of await Promise.all(writes)) expect(status).toBe(200);
  const reads = keys.map((key) => send('POST', `${cluster.origin}/fetch`, { body: [key] }));
  expect((await Promise.all(reads)).map(({ json }) => json)).toEqual(
    keys.map((key) => [{ key, value: key }]),
  );
});

it('a node says at /link which version of the link it has, as the document does', async () => {
  const { status, headers, json } = await send('GET', `${cluster.nodes[0]?.origin}/link`);
  expect([status, headers.get('upgrade'), json]).toEqual([
    426,
    expect.stringMatching(/^kvs-link\/\d+$/),
    expect.objectContaining({ code: 'upgrade_required' }),
  ]);
  const page = readFileSync(join(workspaceRoot, 'docs/link.md'), 'utf8');
  expect(page.match(/^Upgrade: .*$/gm)).toEqual(Array(2).fill(`Upgrade: ${headers.get('upgrade')}`));
});

it('everything between proxy and node goes over one connection', async () => {
  const node = await startNode();
  const proxy = await startProxy([node.address]);
  try {
    const key = string('k');
    await send('PUT', `${proxy.origin}/set`, { body: [{ key, value: key }] });
    expect((await send('GET', `${proxy.origin}/fetch`)).json).toEqual([{ key, value: key }]);
    expect((await send('GET', `${proxy.origin}/cluster`)).json).toMatchObject({
      nodes: [{ state: 'up', keys: 1 }],
    });
    expect((await send('GET', `${proxy.origin}/health/ready`)).status).toBe(200);
    const { text } = await send('GET', `${node.origin}/metrics`);
    expect(text).toContain('kvs_links 1\n');
    expect(text).toContain('kvs_link_calls_total{operation="set"} 1\n');
    expect(text).toContain('kvs_link_calls_total{operation="scan"} 1\n');
    expect(text).not.toContain('route="/fetch"');
  } finally {
    await proxy.stop();
    await node.kill();
  }
});

it('a proxy says of an address that speaks other HTTP that it is no storage node', async () => {
  const server = createServer((_, response) => response.writeHead(404).end()).listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('no address');
  const proxy = await startProxy([`localhost:${address.port}`]);
  try {
    const { json } = await send('GET', `${proxy.origin}/cluster`);
    expect(json).toMatchObject({
      nodes: [{ state: 'down', reason: expect.stringContaining('not a storage node') }],
    });
  } finally {
    await proxy.stop();
    server.close();
  }
});
