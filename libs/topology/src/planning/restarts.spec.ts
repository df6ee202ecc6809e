import { PlannedCluster } from '../testing/planned-cluster.js';

// 3 nodes with 3 copies have all partitions, so that no copy could move.
it.each([
  [3, 2],
  [5, 3],
  [10, 2],
  [10, 3],
])(
  'each of %d nodes that restart in turn gets its copies again, and no other copy moves: %d copies',
  (nodes, copies) => {
    const ids = Array.from({ length: nodes }, (_, i) => `n${i}`);
    const cluster = new PlannedCluster(
      copies,
      ids.map((id) => ({ id })),
    );
    cluster.settle();
    for (const id of ids) {
      const [before = 0] = cluster.loads()[id] ?? [];
      cluster.end(id);
      cluster.settle();
      const whileAway = cluster.named;
      cluster.join({ id });
      cluster.settle();
      expect(whileAway + cluster.named).toBe(before);
    }
    expect(cluster.ranges()).toBeLessThanOrEqual(100);
  },
);
