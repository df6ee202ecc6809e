import { PARTITION_COUNT } from './partition.js';
import type { HashRing } from './ring.js';

/** The moves from one ring to another. */
export interface RingDiff {
  /** Every partition that changes its owner, ascending. */
  readonly moves: readonly PartitionMove[];
  /** How many partitions each node gains or loses, by id. */
  readonly nodes: readonly NodeDiff[];
}

export interface PartitionMove {
  readonly partition: number;
  readonly from: string;
  readonly to: string;
}

export interface NodeDiff {
  readonly id: string;
  readonly gained: number;
  readonly lost: number;
}

/**
 * Returns which partitions change their owner, from which node to which. The two rings should have the same hash.
 * O(4,096).
 */
export function diff(before: HashRing, after: HashRing): RingDiff {
  const moves: PartitionMove[] = [];
  const gained = new Map<string, number>();
  const lost = new Map<string, number>();
  for (let partition = 0; partition < PARTITION_COUNT; partition++) {
    const from = before.owner(partition).id;
    const to = after.owner(partition).id;
    if (from === to) continue;
    moves.push({ partition, from, to });
    lost.set(from, (lost.get(from) ?? 0) + 1);
    gained.set(to, (gained.get(to) ?? 0) + 1);
  }
  const ids = [...new Set([...gained.keys(), ...lost.keys()])].sort();
  return { moves, nodes: ids.map((id) => ({ id, gained: gained.get(id) ?? 0, lost: lost.get(id) ?? 0 })) };
}
