import { HashRingError } from './errors.js';

/** The properties of a node that the ring reads. */
export interface NodeSpec {
  /** Identifies the node. The placement depends only on ids and weights. Not empty, and valid Unicode. */
  readonly id: string;
  /** The node's share relative to others, from 2⁻³² to 2³². Default 1. */
  readonly weight?: number | undefined;
  /** The node's zone. Replicas are spread over zones. */
  readonly zone?: string | undefined;
}

/**
 * A node of a ring: frozen, with its weight, and with the caller's extra data `T`. Own enumerable properties are copied, so an
 * object with methods belongs into a property: `{ id, client }`.
 */
export type RingNode<T extends object = object> = T & NodeSpec & { readonly weight: number };

/** A node as the caller gives it. The id alone is enough if `T` requires no extra data. */
export type NodeInput<T extends object = object> =
  (T & NodeSpec) | (object extends Omit<T, keyof NodeSpec> ? string : never);

/** Checks one node. Other properties of the object are kept. */
function toRingNode<T extends object>(input: NodeInput<T>): RingNode<T> {
  const spec: NodeSpec = typeof input === 'string' ? { id: input } : input;
  if (typeof spec !== 'object' || spec === null || !isId(spec.id)) {
    throw new HashRingError('invalid_node', 'a node needs an id: a string, not empty, valid Unicode');
  }
  // Id and weight come first, by name. If a spread came first, each node would get a hidden class of its own, and
  // reading the id would cost as much as the look-up.
  const { id, weight = 1, ...rest } = spec;
  // NodeInput allows a bare id only if T requires no more than NodeSpec has, so the spread has all of T.
  return Object.freeze({ id, weight: checkWeight(weight, id), ...rest }) as RingNode<T>;
}

/**
 * Rejects the empty id and lone surrogates. Surrogates hash alike, so two ids that differ only in them would rank
 * alike.
 */
function isId(id: unknown): boolean {
  return typeof id === 'string' && /^\P{Surrogate}+$/u.test(id);
}

/** Checks nodes and keeps their order: at least one, at most `limit`, with distinct ids. O(n). */
export function toRingNodes<T extends object>(
  inputs: Iterable<NodeInput<T>>,
  limit: number,
): readonly RingNode<T>[] {
  // A string is iterable too, and would become a ring of its characters.
  const isList = typeof inputs === 'object' && inputs !== null;
  return checkList(isList ? Array.from(inputs, (input) => toRingNode<T>(input)) : [], limit);
}

/** Returns the nodes with one more at the end. */
export function addNode<T extends object>(
  nodes: readonly RingNode<T>[],
  input: NodeInput<T>,
  limit: number,
): readonly RingNode<T>[] {
  return checkList([...nodes, toRingNode<T>(input)], limit);
}

/** Returns the nodes in canonical order: by id, in UTF-16 code units. O(n log n). */
export function sortedById<T extends object>(nodes: readonly RingNode<T>[]): readonly RingNode<T>[] {
  return Object.freeze(nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
}

/** Returns the nodes without one. At least one is left. */
export function removeNode<T extends object>(
  nodes: readonly RingNode<T>[],
  id: string,
): readonly RingNode<T>[] {
  return checkList(nodes.toSpliced(indexOfNode(nodes, id), 1), Infinity);
}

/** Returns the nodes with another weight for one. */
export function reweighNode<T extends object>(
  nodes: readonly RingNode<T>[],
  id: string,
  weight: number,
): readonly RingNode<T>[] {
  const at = indexOfNode(nodes, id);
  return Object.freeze(
    nodes.map((node, index) => (index === at ? toRingNode<T>({ ...node, weight }) : node)),
  );
}

/** Returns the index of the node with this id. */
export function indexOfNode(nodes: readonly NodeSpec[], id: string): number {
  const index = nodes.findIndex((node) => node.id === id);
  if (index === -1) throw new HashRingError('unknown_node', `no node has the id ${id}`);
  return index;
}

/** Returns the node at an index from a table. */
export function nodeAt<T extends object>(
  nodes: readonly RingNode<T>[],
  index: number | undefined,
): RingNode<T> {
  const node = nodes[index ?? 0];
  if (node === undefined) throw new HashRingError('no_nodes', 'the table refers to a node that is not there');
  return node;
}

function checkList<T extends object>(nodes: readonly RingNode<T>[], limit: number): readonly RingNode<T>[] {
  if (nodes.length === 0) throw new HashRingError('no_nodes', 'a ring needs a list of nodes');
  if (nodes.length > limit) {
    throw new HashRingError('too_many_nodes', `${nodes.length} nodes, at most ${limit}`);
  }
  const ids = new Set<string>();
  for (const { id } of nodes) {
    if (ids.has(id)) throw new HashRingError('duplicate_node', `two nodes have the id ${JSON.stringify(id)}`);
    ids.add(id);
  }
  return Object.freeze(nodes);
}

function checkWeight(weight: number, id: string): number {
  if (typeof weight === 'number' && weight >= MIN_WEIGHT && weight <= MAX_WEIGHT) return weight;
  throw new HashRingError('invalid_weight', `the weight of ${JSON.stringify(id)} is not from 2^-32 to 2^32`);
}

/** Within this range, neither sums nor quotients of weights overflow, in floats and in doubles. */
const MIN_WEIGHT = 2 ** -32;
const MAX_WEIGHT = 2 ** 32;
