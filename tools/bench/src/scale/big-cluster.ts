import { PlannedCluster } from '@kvs/topology/testing';

/** Copies of each partition. */
export const COPIES = 2;

/** Returns a cluster of so many nodes after its first assignment, with the lengths of names that real nodes have. */
export function bigCluster(nodeCount: number): PlannedCluster {
  const nodes = Array.from({ length: nodeCount }, (_, i) => ({ id: nodeId(i) }));
  const cluster = new PlannedCluster(COPIES, nodes);
  cluster.settle();
  return cluster;
}

export function nodeId(index: number): string {
  return `node-${String(index).padStart(4, '0')}.storage.example.net:3000`;
}
