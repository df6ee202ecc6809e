import { HashRingError } from './errors.js';

/** The part of a node that the ring itself reads. */
export interface NodeSpec {
  /** What tells nodes apart, and all that placement depends on besides the weight. */
  readonly id: string;
  /** The node's share relative to the others'. Default 1. */
  readonly weight?: number | undefined;
  /** Where the node stands: replicas are spread over zones. */
  readonly zone?: string | undefined;
}

/** A node as the ring hands it out: frozen, the weight filled in, the caller's extra data `T` kept. */
export type RingNode<T extends object = object> = Readonly<T> & NodeSpec & { readonly weight: number };

/** A node as given: an id alone will do where no extra data is asked for. */
export type NodeInput<T extends object = object> =
  (T & NodeSpec) | (object extends Omit<T, keyof NodeSpec> ? string : never);

/** Checks one node. Anything else an object carries is kept as it is. */
export function toRingNode<T extends object>(input: NodeInput<T>): RingNode<T> {
  const spec: NodeSpec = typeof input === 'string' ? { id: input } : input;
  if (typeof spec !== 'object' || spec === null || typeof spec.id !== 'string' || spec.id === '') {
    throw new HashRingError('invalid_node', 'a node is a non-empty id, or an object that has one');
  }
  const weight = checkWeight(spec.weight ?? 1, spec.id);
  // NodeInput admits a bare id only where T asks for no more than NodeSpec has, so the spread has all of T.
  return Object.freeze({ ...spec, weight }) as RingNode<T>;
}

/** The same node with another weight. */
export function reweighed<T extends object>(node: RingNode<T>, weight: number): RingNode<T> {
  return Object.freeze({ ...node, weight: checkWeight(weight, node.id) });
}

/** Nodes in canonical order, by id in UTF-16 code units: at least one, at most `limit`, no two alike. O(n log n). */
export function inOrder<T extends object>(
  nodes: readonly RingNode<T>[],
  limit: number,
): readonly RingNode<T>[] {
  if (nodes.length === 0) throw new HashRingError('no_nodes', 'a ring needs at least one node');
  if (nodes.length > limit)
    throw new HashRingError('too_many_nodes', `${nodes.length} nodes, at most ${limit}`);
  const sorted = nodes.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  sorted.forEach(({ id }, index) => {
    if (id !== sorted[index - 1]?.id) return;
    throw new HashRingError('duplicate_node', `two nodes have the id ${JSON.stringify(id)}`);
  });
  return Object.freeze(sorted);
}

/** Where the node with this id is in the list. */
export function indexOfNode(nodes: readonly NodeSpec[], id: string): number {
  const index = nodes.findIndex((node) => node.id === id);
  if (index === -1) throw new HashRingError('unknown_node', `no node has the id ${JSON.stringify(id)}`);
  return index;
}

function checkWeight(weight: number, id: string): number {
  if (Number.isFinite(weight) && weight > 0) return weight;
  throw new HashRingError(
    'invalid_weight',
    `the weight of ${JSON.stringify(id)} is not a finite number above 0`,
  );
}
