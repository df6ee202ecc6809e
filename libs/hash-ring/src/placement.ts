import { HashRingError } from './errors.js';
import type { NodeInput, RingNode } from './node.js';

/**
 * Assigns keys to nodes. Every strategy is an immutable object with these methods, so code that only looks keys up
 * works with any strategy.
 */
export interface Placement<T extends object = object> {
  /** All nodes, in an order that depends on the strategy. */
  readonly nodes: readonly RingNode<T>[];

  /**
   * Returns the node of a key.
   *
   * @throws HashRingError `invalid_key`
   */
  get(key: string | Uint8Array): RingNode<T>;

  /**
   * Returns `count` distinct nodes for a key, in order of preference. The first is that of {@link get}.
   *
   * @throws HashRingError `invalid_key`, `invalid_count`, `not_enough_nodes`
   */
  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[];

  /** Returns the placement with one more node. */
  with(node: NodeInput<T>): Placement<T>;

  /** Returns the placement without one node. */
  without(id: string): Placement<T>;
}

/** A placement that gives each node a share by its weight. */
export interface WeightedPlacement<T extends object = object> extends Placement<T> {
  with(node: NodeInput<T>): WeightedPlacement<T>;
  without(id: string): WeightedPlacement<T>;
  /** Returns the placement with another weight for one node. */
  withWeight(id: string, weight: number): WeightedPlacement<T>;
}

export interface ReplicaOptions {
  /**
   * Whether to use each zone once before any zone twice, each twice before any three times, and so on. A node without
   * a zone counts as a zone of its own. Default true.
   */
  readonly spreadZones?: boolean | undefined;
}

/**
 * Returns the first `count` distinct nodes of an order of preference, spread over zones. The order may repeat nodes.
 */
export function chooseReplicas<T extends object>(
  nodes: readonly RingNode<T>[],
  preference: Iterable<number>,
  count: number,
  { spreadZones = true }: ReplicaOptions = {},
): RingNode<T>[] {
  if (!Number.isInteger(count) || count < 1) {
    throw new HashRingError('invalid_count', `${count} is no number of nodes`);
  }
  if (count > nodes.length) {
    throw new HashRingError('not_enough_nodes', `${count} distinct nodes wanted of ${nodes.length}`);
  }
  const spread = spreadZones && nodes.some((node) => node.zone !== undefined);
  const distinct = firstDistinct(preference, spread ? nodes.length : count);
  let candidates = distinct.flatMap((index) => nodes[index] ?? []);
  if (!spread) return candidates;
  const chosen: RingNode<T>[] = [];
  while (chosen.length < count) {
    const zones = new Set<string>();
    const passedOver: RingNode<T>[] = [];
    for (const node of candidates) {
      if (chosen.length === count) break;
      if (node.zone !== undefined && zones.has(node.zone)) {
        passedOver.push(node);
        continue;
      }
      if (node.zone !== undefined) zones.add(node.zone);
      chosen.push(node);
    }
    candidates = passedOver;
  }
  return chosen;
}

function firstDistinct(values: Iterable<number>, count: number): number[] {
  const distinct = new Set<number>();
  for (const value of values) {
    distinct.add(value);
    if (distinct.size === count) break;
  }
  return [...distinct];
}
