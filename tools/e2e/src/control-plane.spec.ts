import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@kvs/protocol/testing';
import { startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { send } from './support/http.js';

describe('a proxy with its topology in a file', () => {
  let directory: string;
  let proxy: LocalServer;
  const start = () => startProxy([], ['--topology', `file:${join(directory, 'kvs.topology')}`]);
  /** The tests share the proxy, so each has a node of its own. */
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kvs-topology-'));
    proxy = await start();
    await untilStarted();
  });
  afterAll(async () => {
    await proxy.kill();
    await rm(directory, { recursive: true });
  });

  const nodeOf = (id: string) => ({
    id,
    address: `127.0.0.1:${id.length}`,
    zone: '',
    weight: 1,
    bootId: `boot ${id}`,
    isDurable: false,
    starts: 1,
  });
  const report = {
    revision: 0,
    bootId: 'boot a',
    wholeRevision: 0,
    timeMs: 0,
    isEnding: false,
    usedBytes: 0,
    highestVersion: 0,
    held: [],
    fills: [],
    failures: [],
  };
  const post = (path: string, body: unknown) => send('POST', `${proxy.origin}/cluster/${path}`, { body });
  const change = (method: string, id: string, body?: unknown) =>
    send(method, `${proxy.origin}/cluster/nodes/${id}`, { body });

  const getTopology = (query = '') => send('GET', `${proxy.origin}/cluster/topology${query}`);
  const revisionIn = ({ json }: { readonly json: unknown }): number => {
    const revision = /"revision":(\d+)/.exec(JSON.stringify(json))?.[1];
    return Number(revision);
  };

  /** The topology may not be read yet when the proxy listens. */
  function untilStarted(): Promise<void> {
    const isThere = async () => (await getTopology()).status === 200;
    return until(isThere, () => 'the proxy has no topology');
  }

  it('lets nodes join and report, and operators change and remove them', async () => {
    const node = nodeOf('a');
    const joined = await post('nodes', { revision: 0, node });
    expect([joined.status, joined.json]).toEqual([
      200,
      {
        timeMs: expect.any(Number),
        topology: expect.objectContaining({ nodes: [{ ...node, state: 'joining' }] }),
      },
    ]);
    const reported = await post('nodes/a/status', report);
    expect([reported.status, reported.json]).toMatchObject([
      200,
      { revision: expect.any(Number), orders: [] },
    ]);
    expect((await change('PATCH', 'a', { weight: 2.5, zone: 'west' })).status).toBe(204);
    expect((await change('PATCH', 'a', { state: 'draining' })).status).toBe(204);
    for (const body of ['{"weight":1e400}', '{"weight":1e308}', '{"weight":1e-10}'])
      expect((await change('PATCH', 'a', body)).json).toMatchObject({ status: 400, code: 'invalid_shape' });
    const view = await send('GET', `${proxy.origin}/cluster`);
    const changed = { id: 'a', weight: 2.5, zone: 'west', state: 'draining', copies: 0 };
    expect(view.json).toMatchObject({ topology: { nodes: [changed] } });
    expect((await change('DELETE', 'a')).json).toEqual({ state: 'removed' });
    expect((await change('DELETE', 'a')).json).toMatchObject({ status: 404, code: 'unknown_node' });
  });

  it('tells a client of the next topology when there is one', async () => {
    await untilStarted();
    const revision = revisionIn(await getTopology());
    expect(revisionIn(await getTopology(`?after=${revision - 1}`))).toBe(revision);
    const next = getTopology(`?after=${revision}`);
    await post('nodes', { revision: 0, node: nodeOf('dddd') });
    expect(revisionIn(await next)).toBeGreaterThan(revision);
    for (const after of ['', '-1', 'x', '1&after=2', '1e3'])
      expect((await getTopology(`?after=${after}`)).json).toMatchObject({
        status: 400,
        code: 'invalid_parameter',
      });
  });

  it('lets operators change the copies of an existing cluster', async () => {
    await untilStarted();
    const patch = (body: unknown) => send('PATCH', `${proxy.origin}/cluster`, { body });
    expect((await patch({ copies: 3 })).status).toBe(204);
    expect((await patch({ min_in_sync: 2 })).status).toBe(204);
    const view = await send('GET', `${proxy.origin}/cluster`);
    expect(view.json).toMatchObject({ topology: { copies: 3, min_in_sync: 2 } });
    for (const body of [{ copies: 1 }, { copies: 9 }, { min_in_sync: 0 }, { replace_after_ms: 1 }, [3]])
      expect((await patch(body)).json).toMatchObject({ status: 400, code: 'invalid_shape' });
    const topology = await getTopology();
    expect(topology.json).toMatchObject({ topology: { copies: 3, minInSync: 2 } });
    expect(topology.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const { headers } = await send('OPTIONS', `${proxy.origin}/cluster`);
    expect(headers.get('allow')).toContain('PATCH');
  });

  it('refuses a query parameter that it does not know, and changes nothing', async () => {
    await post('nodes', { revision: 0, node: nodeOf('ffffff') });
    for (const query of ['forced=true', 'force=yes', 'force=true&force=true', 'force=true&after=1'])
      expect((await change('DELETE', `ffffff?${query}`)).json).toMatchObject({
        status: 400,
        code: 'invalid_parameter',
      });
    expect((await getTopology('?before=1')).json).toMatchObject({ status: 400, code: 'invalid_parameter' });
    expect((await change('PATCH', 'ffffff', { state: 'active' })).status).toBe(204);
    expect((await change('DELETE', 'ffffff?force')).json).toEqual({ state: 'removed' });
  });

  it('lets operators start lost partitions at the proxy that leads', async () => {
    let started = await post('lost/start', undefined);
    const isLeading = async () => {
      started = await post('lost/start', undefined);
      return started.status === 200;
    };
    await until(isLeading, () => started.text);
    expect([started.status, started.json]).toEqual([200, { started: 0 }]);
  });

  it.each<[string, string, unknown, number, string]>([
    ['a node of another cluster', 'nodes/a/status', { ...report, clusterId: 'other' }, 409, 'wrong_cluster'],
    ['a node that has not joined', 'nodes/none/status', report, 404, 'unknown_node'],
    ['a body without its form', 'entries', {}, 400, 'invalid_shape'],
    ['a restored directory', 'nodes', { revision: 0, node: nodeOf('bb') }, 409, 'outdated_directory'],
    ...(['address', 'redisAddress', 'id', 'zone'] as const).map(
      (field): [string, string, unknown, number, string] => {
        const node = { ...nodeOf('eeeee'), [field]: 'bad host:1\n' };
        return [`a node with a bad ${field}`, 'nodes', { revision: 0, node }, 400, 'invalid_shape'];
      },
    ),
  ])('refuses %s', async (_, path, body, status, code) => {
    if (code === 'outdated_directory')
      await post('nodes', { revision: 0, node: { ...nodeOf('bb'), starts: 2 } });
    expect((await post(path, body)).json).toMatchObject({ status, code });
  });

  /** Returns the topology once the leader has raised the ceiling of versions, which it does soon after the first join. */
  async function topologyWithCeiling(): Promise<unknown> {
    let json: unknown;
    const hasCeiling = async () => {
      ({ json } = await getTopology());
      return !JSON.stringify(json).includes('"versionCeiling":0');
    };
    await until(hasCeiling, () => JSON.stringify(json));
    return json;
  }

  it('has the topology again when it is started again', async () => {
    await post('nodes', { revision: 0, node: nodeOf('ccc') });
    const before = await topologyWithCeiling();
    const waiting = getTopology('?after=1000000');
    await getTopology(); // the other request has come too
    await proxy.stop();
    expect((await waiting).status).toBe(204);
    proxy = await start();
    await untilStarted();
    const after = (await getTopology()).json;
    expect(after).toEqual({ ...Object(before), timeMs: expect.any(Number) });
  });

  it('is the only one with this file', async () => {
    await expect(start()).rejects.toThrow('is in use');
  });
});

it('a proxy without a topology has no control plane', async () => {
  const proxy = await startProxy(['localhost:1']);
  try {
    expect((await send('GET', `${proxy.origin}/cluster/topology`)).status).toBe(404);
  } finally {
    await proxy.kill();
  }
});
