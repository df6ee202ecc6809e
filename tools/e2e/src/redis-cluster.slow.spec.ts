import { Cluster } from 'ioredis';
import { ClusterState } from './support/cluster-state.js';
import { startNode, startProxy, type StorageNode } from './support/cluster.js';
import { overRedis, SteadyWriters } from './support/steady-writers.js';

let proxy: Awaited<ReturnType<typeof startProxy>>;
let cluster: ClusterState;
let nodes: StorageNode[];
let client: Cluster | undefined;

async function addNode(id: string): Promise<StorageNode> {
  const args = ['--join', proxy.origin, '--id', id, '--max-memory', '64mb', '--redis-port', 'auto'];
  const node = await startNode(args);
  nodes.push(node);
  return node;
}

beforeEach(async () => {
  [client, nodes] = [undefined, []];
  proxy = await startProxy([], ['--topology', 'memory', '--copies', '2', '--replace-after-ms', '1000']);
  cluster = new ClusterState(proxy.origin);
});
afterEach(async () => {
  client?.disconnect();
  await proxy.process.stop('SIGKILL');
  await Promise.all(nodes.map((node) => node.kill()));
});

it('a cluster client goes on while a node joins and another is killed, and loses no write', async () => {
  const [first, second] = await Promise.all([addNode('a'), addNode('b'), addNode('c')]);
  await cluster.untilComplete();
  // Long and often, because processes stand still for seconds on a busy machine.
  const patience = { maxRedirections: 600, retryDelayOnClusterDown: 100, retryDelayOnTryAgain: 100 };
  client = new Cluster([{ host: 'localhost', port: await first.redisPort() }], patience);
  client.on('error', () => undefined); // commands fail with it
  const writers = new SteadyWriters(overRedis(client));
  const untilCount = (count: number) => cluster.until(async () => writers.count >= count);
  await untilCount(200);

  await addNode('d');
  await cluster.until(async () => (await cluster.copiesOf('d')) > 1500);
  await cluster.untilComplete();
  await untilCount(writers.count + 200);
  expect(writers.failures).toEqual([]);

  await second.kill();
  await cluster.untilComplete();
  await untilCount(writers.count + 200);
  await writers.stop();
  expect(await writers.lost()).toEqual([]);
});
