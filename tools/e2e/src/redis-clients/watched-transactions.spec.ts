import { Cluster } from 'ioredis';
import { ALL_PARTITIONS, stringKey, stringValue } from '@kvs/protocol';
import type { ClusterMap, ClusterNode, ClusterView } from '@kvs/redis-api';
import { Budget } from '@kvs/server';
import { startInProcess, type InProcessRedis } from '../support/in-process-redis.js';

// ioredis repeats a transaction that a node of a cluster refuses, but not its WATCH. The repeated one would replace what others
// wrote meanwhile.

/** A node that learns from a test which node is the primary of all keys. */
class TestNode implements ClusterView {
  readonly hasAllPairs = false;
  #map: ClusterMap | undefined;

  current(): ClusterMap | undefined {
    return this.#map;
  }

  serves(): boolean {
    return false;
  }

  learn(self: ClusterNode, primary: ClusterNode, revision: number): void {
    this.#map = { revision, self, nodes: [self, primary], copies: ALL_PARTITIONS.map(() => [primary]) };
  }
}

const k = stringKey('k');
const [view, otherView] = [new TestNode(), new TestNode()];
let budget: Budget;
let server: InProcessRedis;
let otherServer: InProcessRedis;
let node: ClusterNode;
let otherNode: ClusterNode;
let client: Cluster;

beforeEach(async () => {
  budget = new Budget({ maxInFlightRequests: 10, maxInFlightBytes: 1e6 });
  server = await startInProcess({ later: false, budget, cluster: view });
  otherServer = await startInProcess({ later: false, cluster: otherView });
  node = { id: 'a'.repeat(40), host: '127.0.0.1', port: server.port };
  otherNode = { id: 'b'.repeat(40), host: '127.0.0.1', port: otherServer.port };
  view.learn(node, node, 1);
  otherView.learn(otherNode, node, 1);
  await server.operations.set([{ key: k, value: stringValue('5') }]);
  client = new Cluster([node]);
  await client.watch('k');
});
afterEach(async () => {
  client.disconnect();
  await Promise.all([server.close(), otherServer.close()]);
});

it('ioredis does not repeat EXEC without its WATCH if the server is busy', async () => {
  const others = budget.admissionOf('http');
  for (let i = 0; i < 10; i++) others.enter(0);
  await expect(client.multi().set('k', '6').exec()).rejects.toThrow(
    'EXECABORT Transaction discarded because of: TRYAGAIN 10 requests are in flight',
  );
  for (let i = 0; i < 10; i++) others.leave(0);
  expect(await client.get('k')).toBe('5');
});

it('ioredis does not repeat a transaction without its WATCH if the server has no room for a command', async () => {
  const others = budget.admissionOf('http');
  others.enter(1e6 - 1000);
  await expect(client.multi().set('k', 'x'.repeat(2000)).exec()).rejects.toThrow(
    /^EXECABORT Transaction discarded because of: TRYAGAIN requests in flight hold \d+ bytes$/,
  );
  others.leave(1e6 - 1000);
  expect(await client.get('k')).toBe('5');
});

it('ioredis does not repeat a transaction without its WATCH if the key moved to another node', async () => {
  await otherServer.operations.set([{ key: k, value: stringValue('100') }]);
  view.learn(node, otherNode, 2);
  otherView.learn(otherNode, otherNode, 2);
  await expect(client.multi().set('k', '6').exec()).rejects.toThrow(
    /^EXECABORT Transaction discarded because of: MOVED \d+ 127\.0\.0\.1:\d+$/,
  );
  await client.watch('k');
  expect(await client.get('k')).toBe('100');
  expect(await client.multi().set('k', '101').exec()).toEqual([[null, 'OK']]);
});

it('ioredis repeats a refused transaction that watches nothing', async () => {
  await client.unwatch();
  view.learn(node, otherNode, 2);
  otherView.learn(otherNode, otherNode, 2);
  expect(await client.multi().set('k', '6').exec()).toEqual([[null, 'OK']]);
});
