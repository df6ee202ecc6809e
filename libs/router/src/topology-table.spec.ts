import { newTopology, type BootId, type Topology, type TopologyNode } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { TopologyTable } from './topology-table.js';

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

it('a table without a topology has no nodes and serves nothing', () => {
  const table = new TopologyTable();
  expect([table.nodes, table.routeOf(0), table.topology]).toEqual([[], undefined, undefined]);
});

it('a partition is at the address of its primary, with the epoch of its entry', () => {
  const table = new TopologyTable();
  table.learn(topologyOf(7, b));
  expect(table.nodes).toEqual(['a1:3000', 'b1:3000']);
  expect([table.routeOf(0), table.routeOf(1)]).toEqual([{ node: 'b1:3000', epoch: 7 }, undefined]);
});

it('a partition is nowhere if its primary has started again, with another boot id', () => {
  const table = new TopologyTable();
  table.learn(topologyOf(7, b, [a, boot('b2')]));
  expect(table.routeOf(0)).toBeUndefined();
});

it('an older topology, and the same one again, change nothing', () => {
  const table = new TopologyTable();
  const changes: unknown[] = [];
  const unwatch = table.changes.watch(() => changes.push(table.routeOf(0)?.node));
  table.learn(topologyOf(7, b));
  table.learn(topologyOf(7, b));
  table.learn(topologyOf(6, a));
  expect([changes, table.routeOf(0)?.node]).toEqual([['b1:3000'], 'b1:3000']);
  unwatch();
  table.learn(topologyOf(8, a));
  expect([changes.length, table.routeOf(0)?.node]).toEqual([1, 'a1:3000']);
});
