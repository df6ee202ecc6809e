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

it('a table without a topology has no nodes and no routes', () => {
  const routes = new TopologyRoutes();
  expect([routes.nodes, routes.routeOf(0), routes.topology]).toEqual([[], undefined, undefined]);
});

it('a partition is at the address of its primary, with the epoch of its entry', () => {
  const routes = new TopologyRoutes();
  routes.learn(topologyOf(7, b));
  expect(routes.nodes).toEqual(['a1:3000', 'b1:3000']);
  expect([routes.routeOf(0), routes.routeOf(1)]).toEqual([{ node: 'b1:3000', epoch: 7 }, undefined]);
});

it('a partition is nowhere if its primary has started again, with another boot id', () => {
  const routes = new TopologyRoutes();
  routes.learn(topologyOf(7, b, [a, boot('b2')]));
  expect(routes.routeOf(0)).toBeUndefined();
});

it('an older topology, and the same one again, change nothing', () => {
  const routes = new TopologyRoutes();
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
