import { HashRingError } from './errors.js';

/** The part of a node that the ring itself reads. */
export interface NodeSpec {
  /** What tells nodes apart, and all that placement depends on besides the weight. Not empty, and valid Unicode. */
  readonly id: string;
  /** The node's share relative to the others', from 2⁻³² to 2³². Default 1. */
  readonly weight?: number | undefined;
  /** Where the node stands: replicas are spread over zones. */
  readonly zone?: string | undefined;
}

/** A node as the ring hands it out: frozen, the weight filled in, the caller's extra data `T` kept. */
export type RingNode<T extends object = object> = T & NodeSpec & { readonly weight: number };

/** A node as given: an id alone will do where no extra data is asked for. */
export type NodeInput<T extends object = object> =
  (T & NodeSpec) | (object extends Omit<T, keyof NodeSpec> ? string : never);

/** Checks one node. Anything else an object carries is kept as it is. */
function toRingNode<T extends object>(input: NodeInput<T>): RingNode<T> {
  const spec: NodeSpec = typeof input === 'string' ? { id: input } : input;
  if (typeof spec !== 'object' || spec === null || !isId(spec.id)) {
    throw new HashRingError('invalid_node', 'a node needs an id: a string, not empty, valid Unicode');
  }
  // Id and weight by name and first: led by a spread, each node would get a hidden class of its own, and reading
  // the id of what a lookup gives would cost as much as the lookup.
  const { id, weight = 1, ...rest } = spec;
  // NodeInput admits a bare id only where T asks for no more than NodeSpec has, so the spread has all of T.
  return Object.freeze({ id, weight: checkWeight(weight, id), ...rest }) as RingNode<T>;
}

/** Not empty, and without lone surrogates: those hash alike, so two ids that differ only in them would rank alike. */
function isId(id: unknown): boolean {
  return typeof id === 'string' && /^\P{Surrogate}+$/u.test(id);
}

/** Checks nodes and keeps them in the order given: at least one, at most `limit`, no two alike. O(n). */
export function toRingNodes<T extends object>(
  inputs: Iterable<NodeInput<T>>,
  limit: number,
): readonly RingNode<T>[] {
  // A string is iterable too: it would become a ring of its characters.
  const isList = typeof inputs === 'object' && inputs !== null;
  return checkList(isList ? Array.from(inputs, (input) => toRingNode<T>(input)) : [], limit);
}

/** The nodes and, at their end, one more. */
export function addNode<T extends object>(
  nodes: readonly RingNode<T>[],
  input: NodeInput<T>,
  limit: number,
): readonly RingNode<T>[] {
  return checkList([...nodes, toRingNode<T>(input)], limit);
}

/** The nodes in canonical order: by id, in UTF-16 code units. O(n log n). */
export function sortedById<T extends object>(nodes: readonly RingNode<T>[]): readonly RingNode<T>[] {
  return Object.freeze(nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
}

/** The nodes without one, at least one of them left. */
export function removeNode<T extends object>(
  nodes: readonly RingNode<T>[],
  id: string,
): readonly RingNode<T>[] {
  return checkList(nodes.toSpliced(indexOfNode(nodes, id), 1), Infinity);
}

/** The nodes, one of which has another weight. */
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

/** Where the node with this id is in the list. */
export function indexOfNode(nodes: readonly NodeSpec[], id: string): number {
  const index = nodes.findIndex((node) => node.id === id);
  if (index === -1) throw new HashRingError('unknown_node', `no node has the id ${id}`);
  return index;
}

/** The node of an index that a table gave. */
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

/** Within this range neither a sum nor a quotient of weights overflows, in floats as in doubles. */
const MIN_WEIGHT = 2 ** -32;
const MAX_WEIGHT = 2 ** 32;
