import { createClient, createCluster } from 'redis';
import { ClusterState } from '../support/cluster-state.js';
import { startNode, startProxy, type StorageNode } from '../support/cluster.js';

let proxy: Awaited<ReturnType<typeof startProxy>>;
let cluster: ClusterState;
let nodes: StorageNode[];

beforeEach(async () => {
  nodes = [];
  proxy = await startProxy([], ['--topology', 'memory', '--copies', '2', '--replace-after-ms', '1000']);
  const join = ['--join', proxy.origin, '--redis-port', 'auto', '--max-memory', '64mb'];
  nodes = await Promise.all(['a', 'b', 'c'].map((id) => startNode([...join, '--id', id])));
  cluster = new ClusterState(proxy.origin);
  await cluster.untilComplete();
});
afterEach(() => Promise.all([proxy.process.stop('SIGKILL'), ...nodes.map((node) => node.kill())]));

it('node-redis as a cluster client finds the primary of each key, also after a node was killed', async () => {
  const [first, , last] = nodes;
  const url = `redis://localhost:${await first?.redisPort()}`;
  await untilAllSlotsAreKnown(url);
  const client = createCluster({ rootNodes: [{ url }] });
  client.on('error', () => undefined); // commands fail with it
  await client.connect();
  try {
    const keys = Array.from({ length: 300 }, (_, i) => `key-${i}`);
    const values = keys.map((key) => `value of ${key}`);
    const write = () => untilAnswered(keys.map((key, i) => () => client.set(key, values[i] ?? '')));
    const read = () => untilAnswered(keys.map((key) => () => client.get(key)));
    await write();
    expect(await read()).toEqual(values);
    await cluster.untilComplete(); // on a busy machine, copies may have been removed
    await last?.kill();
    await cluster.until(async () => (await cluster.primariesOf('c')) === 0);
    expect(await read()).toEqual(values);
    expect(new Set(await write())).toEqual(new Set(['OK']));
  } finally {
    client.destroy();
  }
});

/** A node learns of changes after the proxy. The client does not ask again for the nodes of slots that had none when it began. */
async function untilAllSlotsAreKnown(url: string): Promise<void> {
  const client = createClient({ url });
  client.on('error', () => undefined); // commands fail with it
  await client.connect();
  try {
    await cluster.until(async () =>
      String(await client.sendCommand(['CLUSTER', 'INFO'])).includes('cluster_slots_assigned:16384'),
    );
  } finally {
    client.destroy();
  }
}

/** Makes all calls again until none fails. The client does not repeat commands that a primary refuses for a moment. */
async function untilAnswered<T>(calls: readonly (() => Promise<T>)[]): Promise<readonly (T | undefined)[]> {
  let answers: readonly (T | undefined)[] = [];
  await cluster.until(async () => {
    answers = await Promise.all(calls.map((call) => call().catch(() => undefined)));
    return !answers.includes(undefined);
  });
  return answers;
}
