import type { BootId } from '../topology.js';
import type { PlanNode } from './plan-node.js';
import { fairPrimaries } from './shares.js';

/**
 * Returns all partitions with their owners in a new cluster: each node has one run of neighboring partitions, in proportion to
 * its weight. So the slots of a node are one range for Redis clients. The list has the beginnings of all runs first, and their
 * ends last. If copies are placed in this order, the loads of all nodes grow together.
 */
export function ownersInRuns(nodes: readonly PlanNode[]): (readonly [partition: number, owner: BootId])[] {
  const shares = fairPrimaries(nodes.map(({ zone, node: { weight } }) => ({ zone, weight })));
  let end = 0;
  return nodes
    .flatMap(({ bootId }, i) => {
      const first = Math.round(end);
      end += shares[i] ?? 0;
      const length = Math.round(end) - first;
      return Array.from({ length }, (_, at) => ({ partition: first + at, bootId, progress: at / length }));
    })
    .sort((a, b) => a.progress - b.progress || a.partition - b.partition)
    .map(({ partition, bootId }) => [partition, bootId]);
}
