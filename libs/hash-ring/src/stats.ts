import type { RingNode } from './node.js';
import { PARTITION_COUNT } from './partition.js';

/** How evenly a ring distributes its partitions. A relative load is a load divided by the fair share by weight. */
export interface RingStats {
  readonly nodes: readonly NodeStats[];
  /** The highest relative load. 1 is perfect. */
  readonly maxOverMean: number;
  /** The standard deviation of the relative loads. 0 is perfect. */
  readonly standardDeviation: number;
}

export interface NodeStats {
  readonly id: string;
  readonly weight: number;
  readonly partitions: number;
  /** The part of all partitions that the node has, 0 to 1. */
  readonly share: number;
  /** The part that it should have by its weight. */
  readonly fairShare: number;
}

export function statsOf(nodes: readonly RingNode[], loads: readonly number[]): RingStats {
  const totalWeight = nodes.reduce((sum, { weight }) => sum + weight, 0);
  const perNode = nodes.map(({ id, weight }, index) => {
    const partitions = loads[index] ?? 0;
    return { id, weight, partitions, share: partitions / PARTITION_COUNT, fairShare: weight / totalWeight };
  });
  const relative = perNode.map(({ share, fairShare }) => share / fairShare);
  const mean = average(relative);
  return {
    nodes: perNode,
    maxOverMean: Math.max(...relative),
    standardDeviation: Math.sqrt(average(relative.map((load) => (load - mean) ** 2))),
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
