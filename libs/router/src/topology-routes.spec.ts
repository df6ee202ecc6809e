import { newTopology, type BootId, type Topology, type TopologyNode } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { TopologyRoutes } from './topology-routes.js';

const [a, b] = [boot('a1'), boot('b1')];

const nodeOf = (bootId: BootId): TopologyNode => ({
  id: `node-${bootId}`,
  address: `${bootId}:3000`,
  zone: '',
  weight: 1,
  bootId,
  state: 'active',
  isDurable: false,
  starts: 1,
});

/** A topology in which partition 0 has such a primary, and all others none. */
function topologyOf(revision: number, primary: BootId | undefined, bootIds = [a, b]): Topology {
  const first = newTopology({ clusterId: 'orders', copies: 1, minInSync: 1 });
  const inSync = primary === undefined ? [] : [primary];
  return {
    ...first,
    revision,
    nodes: bootIds.map(nodeOf),
    partitions: first.partitions.map((entry, i) =>
      i === 0 ? { epoch: revision, primary, inSync, learner: undefined } : entry,
    ),
  };
}

function routesOver(read: () => Promise<Topology | undefined>): {
  routes: TopologyRoutes;
  errors: unknown[];
} {
  const errors: unknown[] = [];
  return { routes: new TopologyRoutes(read, (error) => errors.push(error)), errors };
}

it('a table without a topology has no nodes and no routes', async () => {
  const { routes } = routesOver(async () => undefined);
  await routes.changes.refresh();
  expect([routes.nodes, routes.routeOf(0), routes.topology]).toEqual([[], undefined, undefined]);
});

it('a partition is at the address of its primary, with the epoch of its entry', async () => {
  const { routes } = routesOver(async () => topologyOf(7, b));
  await routes.changes.refresh();
  expect(routes.nodes).toEqual(['a1:3000', 'b1:3000']);
  expect([routes.routeOf(0), routes.routeOf(1)]).toEqual([{ node: 'b1:3000', epoch: 7 }, undefined]);
});

it('a partition is nowhere if its primary has started again, with another boot id', () => {
  const { routes } = routesOver(async () => undefined);
  routes.learn(topologyOf(7, b, [a, boot('b2')]));
  expect(routes.routeOf(0)).toBeUndefined();
});

it('an older topology, and the same one again, change nothing', () => {
  const { routes } = routesOver(async () => undefined);
  let changes = 0;
  const unwatch = routes.changes.watch(() => changes++);
  routes.learn(topologyOf(7, b));
  routes.learn(topologyOf(7, b));
  routes.learn(topologyOf(6, a));
  expect([changes, routes.routeOf(0)?.node]).toEqual([1, 'b1:3000']);
  unwatch();
  routes.learn(topologyOf(8, a));
  expect([changes, routes.routeOf(0)?.node]).toEqual([1, 'a1:3000']);
});

it('refreshes that are asked for at once share one read', async () => {
  let reads = 0;
  const { routes } = routesOver(async () => topologyOf(++reads, a));
  await Promise.all([routes.changes.refresh(), routes.changes.refresh()]);
  expect(reads).toBe(1);
  await routes.changes.refresh();
  expect([reads, routes.topology?.revision]).toEqual([2, 2]);
});

it('a topology that can not be read leaves the table as it is, and the error is told', async () => {
  const failure = new Error('away');
  const { routes, errors } = routesOver(() => Promise.reject(failure));
  routes.learn(topologyOf(7, b));
  await routes.changes.refresh();
  expect([errors, routes.routeOf(0)?.node]).toEqual([[failure], 'b1:3000']);
});
