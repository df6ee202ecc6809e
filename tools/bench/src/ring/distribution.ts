import type { BuiltRing, WeightedNode } from './peers.js';

/** The shares of keys, relative to each node's fair share by weight. */
export interface Balance {
  readonly most: number;
  readonly least: number;
  /** The part of the keys without a node. */
  readonly lost: number;
}

/** The keys that a new node moves. */
export interface Movement {
  /** The moved keys as a multiple of the new node's fair share, which is the minimum. */
  readonly overLeast: number;
  /** The part of all keys that moved between the other nodes. */
  readonly betweenOthers: number;
}

export function balanceOf(ring: BuiltRing, nodes: readonly WeightedNode[], keys: readonly string[]): Balance {
  const counts = new Map<string | undefined, number>(nodes.map(({ id }) => [id, 0]));
  for (const key of keys) {
    const id = ring.lookup(key);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const total = totalWeight(nodes);
  const loads = nodes.map(({ id, weight }) => ((counts.get(id) ?? 0) / keys.length / weight) * total);
  return {
    most: Math.max(...loads),
    least: Math.min(...loads),
    lost: (counts.get(undefined) ?? 0) / keys.length,
  };
}

/** Adds a node to a ring of these nodes. The ring may change. */
export function movementOf(
  ring: BuiltRing,
  nodes: readonly WeightedNode[],
  added: WeightedNode,
  keys: readonly string[],
): Movement {
  const before = keys.map(ring.lookup);
  const larger = ring.add(added);
  let moved = 0;
  let received = 0;
  keys.forEach((key, index) => {
    const now = larger.lookup(key);
    if (now === before[index]) return;
    moved++;
    if (now === added.id) received++;
  });
  const least = added.weight / (totalWeight(nodes) + added.weight);
  return {
    overLeast: moved / keys.length / least,
    betweenOthers: (moved - received) / keys.length,
  };
}

function totalWeight(nodes: readonly WeightedNode[]): number {
  return nodes.reduce((total, { weight }) => total + weight, 0);
}
