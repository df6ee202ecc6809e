import { PlannedCluster, type PlannedNode } from '../testing/planned-cluster.js';

function settled(copies: number, nodes: number | readonly PlannedNode[]): PlannedCluster {
  const list = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, i) => ({ id: `n${i}` })) : nodes;
  const cluster = new PlannedCluster(copies, list);
  cluster.settle();
  return cluster;
}

/** Returns the largest part of a node's partitions that has its other copy on one node. */
function largestPart({ topology: { nodes, partitions } }: PlannedCluster): number {
  const parts = nodes.flatMap(({ bootId: primary }) => {
    const served = partitions.filter((entry) => entry.primary === primary);
    return nodes
      .filter(({ bootId }) => bootId !== primary)
      .map(({ bootId }) => served.filter(({ inSync }) => inSync.includes(bootId)).length / served.length);
  });
  return Math.max(...parts);
}

it.each([1, 2, 3])('each node of a new cluster has one range of partitions, with %d copies', (copies) => {
  const cluster = settled(copies, [{ id: 'a' }, { id: 'b', weight: 2 }, { id: 'c' }]);
  expect(cluster.named).toBe(0);
  expect(cluster.ranges()).toBe(3);
  expect(Object.values(cluster.loads()).map(([, primaries]) => primaries)).toEqual([1024, 2048, 1024]);
});

// By the ring there would be about 2,700 ranges.
it.each([1, 2, 3])('there are few ranges after nodes join, die and come back, with %d copies', (copies) => {
  const cluster = settled(copies, 3);
  cluster.join({ id: 'n3' });
  cluster.settle();
  expect(cluster.ranges()).toBeLessThanOrEqual(20);
  for (const id of ['n0', 'n1', 'n2']) {
    cluster.end(id);
    cluster.settle();
    expect(cluster.ranges()).toBeLessThanOrEqual(600);
    cluster.join({ id });
    cluster.settle();
  }
  expect(cluster.ranges()).toBeLessThanOrEqual(600);
});

it('the partitions of a node have their other copies on several nodes, also after a join', () => {
  const cluster = settled(2, 10);
  expect(largestPart(cluster)).toBeLessThanOrEqual(0.3);
  cluster.join({ id: 'n10' });
  cluster.settle();
  expect(largestPart(cluster)).toBeLessThanOrEqual(0.6);
});
