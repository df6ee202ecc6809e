import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { LocalCluster, type LocalServer } from '@kvs-tools/local-cluster';
import { RespClient } from '../support/resp-client.js';
import { overRedis, SteadyWriters, type RedisValues } from '../support/steady-writers.js';
import { metricsOf } from '../support/metrics.js';

let cluster: LocalCluster;
const started: LocalCluster[] = [];
let client: ClusterClient | undefined;
let writers: SteadyWriters | undefined;

function addNode(id: string): Promise<LocalServer> {
  return cluster.addNode(id, ['--max-memory', '64mb', '--redis-port', 'auto']);
}

beforeEach(async () => {
  [client, writers] = [undefined, undefined];
  cluster = await LocalCluster.of(
    [],
    ['--topology', 'memory', '--copies', '2', '--replace-after-ms', '1000'],
  );
  started.push(cluster);
});
afterEach(async () => {
  client?.close();
  await Promise.all([writers?.stop(), ...started.splice(0).map((each) => each.stop())]);
});

/** A client that reads the table of slots from the node at a port. */
interface ClusterClient extends RedisValues {
  close(): void;
}

// The limits are high, because processes stand still for seconds on a busy machine.
const CLIENTS: readonly [string, (port: number) => Promise<ClusterClient>][] = [
  [
    'ioredis',
    (port) => {
      const redis = new Cluster([{ host: 'localhost', port }], {
        maxRedirections: 600,
        retryDelayOnClusterDown: 100,
        retryDelayOnTryAgain: 100,
        slotsRefreshTimeout: 60_000,
      });
      redis.on('error', () => undefined); // commands fail with it
      return Promise.resolve({
        get: (key) => redis.get(key),
        set: (key, value) => redis.set(key, value),
        close: () => redis.disconnect(),
      });
    },
  ],
  [
    'node-redis',
    async (port) => {
      const redis = createCluster({
        rootNodes: [{ url: `redis://localhost:${port}` }],
        // Without it, a command to a killed node waits until another node redirects another command.
        commandOptions: { timeout: 20_000 },
        defaults: { socket: { reconnectStrategy: 100 } },
      });
      redis.on('error', () => undefined); // commands fail with it
      await redis.connect();
      return {
        get: (key) => redis.get(key),
        set: (key, value) => redis.set(key, value),
        close: () => redis.destroy(),
      };
    },
  ],
];

it.each(CLIENTS)(
  '%s loses no write while a node joins and another is killed, and is not redirected before',
  async (_, connect) => {
    const [first, second] = await Promise.all([addNode('a'), addNode('b'), addNode('c')]);
    await cluster.state.untilComplete();
    await expectNoRedirection(async () => connect(await first.redisPort()));

    client = await connect(await first.redisPort());
    const steady = new SteadyWriters(overRedis(client));
    writers = steady;
    await steady.untilMore(200);

    await addNode('d');
    await cluster.state.until(async () => (await cluster.state.copiesOf('d')) > 1500);
    await cluster.state.untilComplete();
    await steady.untilMore(200);
    expect(steady.failures.filter((failure) => !isLateBeacon(failure))).toEqual([]);

    await second.kill();
    await cluster.state.untilComplete();
    await steady.untilMore(200);
    await steady.stop();
    // Reads fail until the client knows the new primaries.
    let lost: string[] | undefined;
    await cluster.state.until(async () => {
      lost = await steady.lost().catch(() => undefined);
      return lost !== undefined;
    });
    expect(lost).toEqual([]);
  },
);

/** On a busy machine, a primary may get its leases late. It refuses requests then, and node-redis does not try again. */
function isLateBeacon(error: unknown): boolean {
  return String(error).includes('cannot prove that it is still the primary');
}

/** Reads and writes by new clients until no partition moved meanwhile. */
async function expectNoRedirection(connect: () => Promise<ClusterClient>): Promise<void> {
  const keys = Array.from({ length: 300 }, (_, i) => `steady-${i}`);
  await cluster.state.until(async () => {
    const state = await agreedState();
    const before = await countAnswers();
    const each = await connect();
    try {
      await Promise.all(keys.map((key) => each.set(key, key)));
      expect(await Promise.all(keys.map((key) => each.get(key)))).toEqual(keys);
    } catch (error) {
      if (isLateBeacon(error)) return false;
      throw error;
    } finally {
      each.close();
    }
    const after = await countAnswers();
    if ((await agreedState()) !== state) return false; // on a busy machine, partitions may have moved
    expect([after.ok - before.ok, after.error - before.error]).toEqual([2 * keys.length, 0]);
    return true;
  });
}

/**
 * Returns what all nodes say of the cluster, as soon as they say the same and all slots have a node. They learn of changes after
 * the proxy, and node-redis does not ask again for the nodes of slots that had none when it began.
 */
async function agreedState(): Promise<string> {
  let states: string[] = [];
  await cluster.state.until(async () => {
    states = await Promise.all(cluster.nodes.map(stateKnownTo));
    return new Set(states).size === 1 && states[0]?.includes('cluster_slots_assigned:16384') === true;
  });
  return String(states[0]);
}

async function stateKnownTo(node: LocalServer): Promise<string> {
  const client = await RespClient.open(await node.redisPort(), 2);
  const [state] = await client.ask([['CLUSTER', 'INFO']]);
  client.close();
  return String(state?.text);
}

/** How many reads and writes the nodes answered with an error, such as MOVED, and how many without. */
async function countAnswers(): Promise<{ error: number; ok: number }> {
  const counts = await Promise.all(
    cluster.nodes.map(({ origin }) => metricsOf(origin, 'kvs_redis_commands_total')),
  );
  const sum = (result: string) =>
    counts.reduce(
      (total, of) =>
        total +
        ['get', 'set'].reduce((own, name) => own + (of[`command="${name}",result="${result}"`] ?? 0), 0),
      0,
    );
  return { error: sum('error'), ok: sum('ok') };
}
