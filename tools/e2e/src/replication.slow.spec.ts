import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRecord } from '@kvs/protocol';
import { startNode, startProxy, type StorageNode } from './support/cluster.js';
import { send } from './support/http.js';
import { SteadyWriters } from './support/steady-writers.js';
import { until } from './support/until.js';
import { metricsOf } from './support/workers.js';

/** Long, because processes stand still for seconds on a busy machine. */
const WAITS = ['--failover-wait-ms', '60000', '--node-timeout-ms', '60000'];

let proxy: Awaited<ReturnType<typeof startProxy>>;
let nodes: StorageNode[];
let writers: SteadyWriters | undefined;

async function startCluster(copies: number, ...topology: string[]): Promise<void> {
  proxy = await startProxy([], ['--topology', ...topology, '--copies', `${copies}`, ...WAITS]);
  nodes = [];
}

async function addNode(id: string, ...args: string[]): Promise<StorageNode> {
  const node = await startNode(['--join', proxy.origin, '--id', id, ...args]);
  nodes.push(node);
  return node;
}

beforeEach(() => (writers = undefined));
afterEach(async () => {
  await proxy.process.stop('SIGKILL');
  await Promise.all([writers?.stop().catch(() => undefined), ...nodes.map((node) => node.kill())]);
});

describe('a cluster with two copies in memory', () => {
  let first: StorageNode;
  beforeEach(async () => {
    await startCluster(2, 'memory', '--replace-after-ms', '1000');
    const inMemory = (id: string) => addNode(id, '--max-memory', '64mb');
    [first] = await Promise.all([inMemory('a'), inMemory('b'), inMemory('c')]);
    await untilComplete();
  });

  it('has every acknowledged write after a node was killed, and takes writes of all keys', async () => {
    writers = new SteadyWriters(proxy.origin);
    await untilCount(200);
    await nodes[1]?.kill();
    await untilComplete();
    await untilCount(writers.count + 200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    const [failovers] = Object.values(await metricsOf(proxy.origin, 'kvs_failovers_total'));
    expect(failovers).toBeGreaterThan(0);
  });

  it('gives a node that joins its share, and fails no write', async () => {
    writers = new SteadyWriters(proxy.origin);
    await untilCount(200);
    await addNode('d', '--max-memory', '64mb');
    await untilCluster(async () => (await copiesOf('d')) > 1500);
    await untilComplete();
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('moves everything off a node that is drained, and fails no write', async () => {
    writers = new SteadyWriters(proxy.origin);
    await untilCount(200);
    const remove = async () => (await send('DELETE', `${proxy.origin}/cluster/nodes/a`)).json;
    expect(await remove()).toMatchObject({ state: 'draining' });
    await untilCluster(async () => (await copiesOf('a')) === 0);
    expect(await remove()).toEqual({ state: 'removed' });
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });

  it('fails no write when a node is stopped in order', async () => {
    writers = new SteadyWriters(proxy.origin);
    await untilCount(200);
    first.signal('SIGTERM');
    await untilCluster(async () => (await primariesOf('a')) === 0);
    await untilCount(writers.count + 200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
    expect(writers.failures).toEqual([]);
  });
});

describe('a cluster with two copies on disk', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kvs-cluster-'));
    await startCluster(2, `file:${join(directory, 'topology')}`);
    const onDisk = (id: string) => addNode(id, '--engine', 'lmdb', '--data-dir', join(directory, id));
    await Promise.all(['a', 'b'].map(onDisk));
    await untilComplete();
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('has every acknowledged write after all nodes were killed at once', async () => {
    writers = new SteadyWriters(proxy.origin);
    await untilCount(200);
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all(nodes.map((node) => node.restart()));
    await untilCount(writers.count + 200);
    await writers.stop();
    expect(await writers.lost()).toEqual([]);
  });
});

/** The state of the cluster as `GET /cluster` shows it. */
async function status(): Promise<Readonly<Record<string, unknown>>> {
  const { json } = await send('GET', `${proxy.origin}/cluster`);
  const topology = isRecord(json) ? json['topology'] : undefined;
  return isRecord(topology) ? topology : {};
}

/** Waits until every partition has its primary and its copies. */
async function untilComplete(): Promise<void> {
  await untilCluster(async () => {
    const { partitions } = await status();
    if (!isRecord(partitions)) return false;
    return ['unassigned', 'too_few_copies', 'unavailable'].every(
      (problem) => countIn(partitions, problem) === 0,
    );
  });
}

async function copiesOf(id: string): Promise<number> {
  return countIn(await nodeNamed(id), 'copies');
}

async function primariesOf(id: string): Promise<number> {
  return countIn(await nodeNamed(id), 'primaries');
}

async function nodeNamed(id: string): Promise<Readonly<Record<string, unknown>>> {
  const { nodes: all } = await status();
  const found: unknown = Array.isArray(all)
    ? all.find((node) => isRecord(node) && node['id'] === id)
    : undefined;
  return isRecord(found) ? found : {};
}

function countIn(fields: Readonly<Record<string, unknown>>, name: string): number {
  const value = fields[name];
  return Number(isRecord(value) ? value['count'] : value);
}

async function untilCount(count: number): Promise<void> {
  await untilCluster(async () => (writers?.count ?? 0) >= count);
}

/** Waits until the condition holds. The error shows the state of the cluster otherwise. */
function untilCluster(holds: () => Promise<boolean>): Promise<void> {
  return until(holds, async () => JSON.stringify(await status()));
}
