import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { ClusterState } from '../support/cluster-state.js';
import { startNode, startProxy, type StorageNode } from '../support/cluster.js';
import { RespClient } from '../support/resp-client.js';
import { metricsOf } from '../support/workers.js';

let proxy: Awaited<ReturnType<typeof startProxy>>;
let cluster: ClusterState;
let nodes: StorageNode[];

beforeAll(async () => {
  proxy = await startProxy([], ['--topology', 'memory', '--copies', '2', '--replace-after-ms', '1000']);
  const join = ['--join', proxy.origin, '--redis-port', 'auto', '--max-memory', '64mb'];
  nodes = await Promise.all(['a', 'b', 'c'].map((id) => startNode([...join, '--id', id])));
  cluster = new ClusterState(proxy.origin);
  await cluster.untilComplete();
});
afterAll(() => Promise.all([proxy.process.stop('SIGKILL'), ...nodes.map((node) => node.kill())]));

/** The part of a client that the scenario below uses. */
interface ClusterClient {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<string | null>;
  close(): void;
}

it.each<[string, (port: number) => Promise<ClusterClient>]>([
  [
    'ioredis',
    (port) => {
      const client = new Cluster([{ host: 'localhost', port }], { slotsRefreshTimeout: 60_000 }); // for a busy machine
      client.on('error', () => undefined); // commands fail with it
      return Promise.resolve({
        set: (key, value) => client.set(key, value),
        get: (key) => client.get(key),
        close: () => client.disconnect(),
      });
    },
  ],
  [
    'node-redis',
    async (port) => {
      const client = createCluster({ rootNodes: [{ url: `redis://localhost:${port}` }] });
      client.on('error', () => undefined); // commands fail with it
      await client.connect();
      return {
        set: (key, value) => client.set(key, value),
        get: (key) => client.get(key),
        close: () => client.destroy(),
      };
    },
  ],
])('no command of %s is redirected while the topology stays', async (_name, connect) => {
  const keys = Array.from({ length: 300 }, (_, i) => `steady-${i}`);
  const port = await nodes[0]?.redisPort();
  await cluster.until(async () => {
    const state = await agreedState();
    const before = await countAnswers();
    const client = await connect(Number(port));
    try {
      await Promise.all(keys.map((key) => client.set(key, key)));
      expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    } finally {
      client.close();
    }
    const after = await countAnswers();
    if ((await agreedState()) !== state) return false; // on a busy machine, partitions may have moved
    expect([after.ok - before.ok, after.error - before.error]).toEqual([2 * keys.length, 0]);
    return true;
  });
});

it('node-redis as a cluster client finds the primary of each key, also after a node was killed', async () => {
  const [first, , last] = nodes;
  const url = `redis://localhost:${await first?.redisPort()}`;
  await agreedState();
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

/**
 * Returns what all nodes say of the cluster, as soon as they say the same and all slots have a node. They learn of changes after
 * the proxy, and node-redis does not ask again for the nodes of slots that had none when it began.
 */
async function agreedState(): Promise<string> {
  let states: string[] = [];
  await cluster.until(async () => {
    states = await Promise.all(nodes.map(stateKnownTo));
    return new Set(states).size === 1 && states[0]?.includes('cluster_slots_assigned:16384') === true;
  });
  return String(states[0]);
}

async function stateKnownTo(node: StorageNode): Promise<string> {
  const client = await RespClient.open(await node.redisPort(), 2);
  const [state] = await client.ask([['CLUSTER', 'INFO']]);
  client.close();
  return String(state?.text);
}

/** How many reads and writes the nodes answered with an error, such as MOVED, and how many without. */
async function countAnswers(): Promise<{ error: number; ok: number }> {
  const counts = await Promise.all(nodes.map(({ origin }) => metricsOf(origin, 'kvs_redis_commands_total')));
  const sum = (result: string) =>
    counts.reduce(
      (total, of) =>
        total +
        ['get', 'set'].reduce((own, name) => own + (of[`command="${name}",result="${result}"`] ?? 0), 0),
      0,
    );
  return { error: sum('error'), ok: sum('ok') };
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
