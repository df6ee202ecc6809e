import { HashRingError } from './errors.js';
import type { NodeInput, RingNode } from './node.js';

/**
 * Where keys live. Every strategy is an immutable object of this kind, so that code which only looks keys up
 * works with any of them.
 */
export interface Placement<T extends object = object> {
  /** All nodes; the strategy says in what order. */
  readonly nodes: readonly RingNode<T>[];

  /**
   * The node of a key.
   *
   * @throws HashRingError `invalid_key`
   */
  get(key: string | Uint8Array): RingNode<T>;

  /**
   * `count` distinct nodes for a key, in order of preference; the first is what {@link get} gives.
   *
   * @throws HashRingError `invalid_key`, `invalid_count`, `not_enough_nodes`
   */
  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[];

  /** The placement with one node more. */
  with(node: NodeInput<T>): Placement<T>;

  /** The placement with one node less. */
  without(id: string): Placement<T>;
}

/** A placement that gives each node a share by its weight. */
export interface WeightedPlacement<T extends object = object> extends Placement<T> {
  with(node: NodeInput<T>): WeightedPlacement<T>;
  without(id: string): WeightedPlacement<T>;
  /** The placement in which one node has another weight. */
  withWeight(id: string, weight: number): WeightedPlacement<T>;
}

export interface ReplicaOptions {
  /**
   * Whether to use no zone twice before each has been used once, none three times before each twice, and so on. A
   * node without a zone counts as a zone of its own. Default true.
   */
  readonly spreadZones?: boolean | undefined;
}

/** The first `count` distinct nodes of an order of preference, spread over zones. The order may repeat nodes. */
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
