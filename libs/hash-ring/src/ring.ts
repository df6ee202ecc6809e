import { assignAll, assignUnowned, moveFrom, moveTo } from './bounded-loads.js';
import { HashRingError } from './errors.js';
import { keyHash, type Hash32 } from './hash.js';
import { NO_NODE, partitionsIn, type Table } from './assignment.js';
import {
  addNode,
  indexOfNode,
  removeNode,
  reweighNode,
  sortedById,
  toRingNodes,
  type NodeInput,
  type RingNode,
} from './node.js';
import { PARTITION_COUNT, PARTITION_SHIFT } from './partition.js';
import { chooseReplicas, type ReplicaOptions, type WeightedPlacement } from './placement.js';
import { Preference } from './preference.js';
import { statsOf, type RingStats } from './stats.js';

/** A ring as plain data: the result of `JSON.stringify`, and the input of `HashRing.fromJSON`. */
export interface HashRingJSON<T extends object = object> {
  readonly version: 1;
  readonly nodes: readonly RingNode<T>[];
  /** The index of each partition's owner in `nodes`. */
  readonly table: readonly number[];
}

export interface HashRingOptions {
  /**
   * The hash of keys. Its top 12 bits must be well mixed. Default {@link hash32}. Rings that are compared must share
   * it.
   */
  readonly hash?: Hash32 | undefined;
}

/**
 * An immutable assignment of the 4,096 partitions to nodes. A look-up is one hash and one array read.
 *
 * **There are two ways to make a ring.** `new HashRing(nodes)` is a pure function of the *set* of nodes: their order
 * and their past don't matter, and every process computes the same table. `with`, `without` and `withWeight` change
 * the present table: only partitions of the node that is added, removed or changed move, and none between other
 * nodes. The two ways agree as long as no node reaches a bound of its load. Otherwise they differ slightly, because
 * no pure function can have even loads and also move nothing between the nodes that stay (the README says why). If
 * data stays while nodes come and go, change the ring and pass on its JSON.
 */
export class HashRing<T extends object = object> implements WeightedPlacement<T> {
  /** All nodes, by id. */
  readonly nodes: readonly RingNode<T>[];
  readonly #table: Table;
  readonly #hash: Hash32;
  readonly #preferences: readonly Preference[];

  /**
   * O(nodes · 4,096).
   *
   * @throws HashRingError `no_nodes`, `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes`,
   *   `invalid_option` for a `hash` that is not a function
   */
  constructor(nodes: Iterable<NodeInput<T>>, options?: HashRingOptions);
  /** @internal */
  constructor(state: RingState<T>);
  constructor(from: Iterable<NodeInput<T>> | RingState<T>, { hash }: HashRingOptions = {}) {
    const state = from instanceof RingState ? from : stateOf<T>(from, keyHash(hash));
    this.nodes = state.nodes;
    this.#preferences = state.preferences;
    this.#table = state.table;
    this.#hash = state.hash;
  }

  /**
   * Returns the key's partition. O(length of the key).
   *
   * @throws HashRingError `invalid_key`
   */
  partitionOf(key: string | Uint8Array): number {
    return this.#hash(key) >>> PARTITION_SHIFT;
  }

  /**
   * Returns the node of a key. O(length of the key), whatever the number of nodes.
   *
   * @throws HashRingError `invalid_key`
   */
  get(key: string | Uint8Array): RingNode<T> {
    return this.owner(this.#hash(key) >>> PARTITION_SHIFT);
  }

  /**
   * Returns the node of a partition. O(1).
   *
   * @throws HashRingError `invalid_partition`
   */
  owner(partition: number): RingNode<T> {
    const node = this.nodes[this.#table[partition] ?? NO_NODE];
    if (node === undefined) throw new HashRingError('invalid_partition', `${partition} is no partition`);
    return node;
  }

  /**
   * Returns the partitions of a node, ascending. O(4,096).
   *
   * @throws HashRingError `unknown_node`
   */
  partitionsOf(id: string): number[] {
    return partitionsIn(this.#table, indexOfNode(this.nodes, id));
  }

  /**
   * Returns `count` distinct nodes for a key, in order of preference: its owner, and then the nodes that want its
   * partition most. These also take it over when the nodes before them are removed, as far as their loads allow.
   * O(nodes · log nodes).
   *
   * @throws HashRingError `invalid_key`, `invalid_count`, `not_enough_nodes`
   */
  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[] {
    const partition = this.partitionOf(key);
    const costs = this.#preferences.map((preference) => preference.cost(partition));
    const byCost = Array.from(costs.keys()).sort((a, b) => (costs[a] ?? 0) - (costs[b] ?? 0));
    return chooseReplicas(this.nodes, [this.#table[partition] ?? 0, ...byCost], count, options);
  }

  /**
   * Returns a ring with one more node, which takes its share from the others. Nothing moves between those. O(nodes +
   * 4,096 · log 4,096).
   *
   * @throws HashRingError `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes`
   */
  with(node: NodeInput<T>): HashRing<T> {
    const added = addNode<T>(this.nodes, node, PARTITION_COUNT);
    const nodes = sortedById(added);
    const at = nodes.findIndex((each) => each === added.at(-1));
    const preferences = this.#preferences.toSpliced(at, 0, ...added.slice(-1).map(preferenceOf));
    const table = this.#table.map((owner) => (owner < at ? owner : owner + 1));
    return this.#changed(nodes, preferences, moveTo(preferences, table, at));
  }

  /**
   * Returns a ring without one node. The others take over its partitions, and nothing else moves. O(nodes ·
   * partitions of that node).
   *
   * @throws HashRingError `unknown_node`, and `no_nodes` if it is the last node
   */
  without(id: string): HashRing<T> {
    const at = indexOfNode(this.nodes, id);
    const nodes = removeNode(this.nodes, id);
    const preferences = this.#preferences.toSpliced(at, 1);
    const table = this.#table.map((owner) => (owner === at ? NO_NODE : owner < at ? owner : owner - 1));
    return this.#changed(nodes, preferences, assignUnowned(preferences, table));
  }

  /**
   * Returns a ring with another weight for one node. Partitions move only to or from that node. O(nodes · partitions
   * of that node + 4,096 · log 4,096).
   *
   * @throws HashRingError `unknown_node`, `invalid_weight`
   */
  withWeight(id: string, weight: number): HashRing<T> {
    const at = indexOfNode(this.nodes, id);
    const nodes = reweighNode(this.nodes, id, weight);
    const preferences = this.#preferences.with(at, new Preference(id, weight));
    const isLighter = weight < (this.#preferences[at]?.weight ?? 0);
    const table = isLighter ? moveFrom(preferences, this.#table, at) : moveTo(preferences, this.#table, at);
    return this.#changed(nodes, preferences, table);
  }

  /** Returns how evenly the partitions are distributed. O(nodes + 4,096). */
  stats(): RingStats {
    const loads = this.nodes.map(() => 0);
    for (const owner of this.#table) loads[owner] = (loads[owner] ?? 0) + 1;
    return statsOf(this.nodes, loads);
  }

  /** Returns the table as plain data, without the hash. */
  toJSON(): HashRingJSON<T> {
    return { version: 1, nodes: this.nodes, table: [...this.#table] };
  }

  /**
   * Returns the ring that `toJSON` described, with the same table. Everything is checked. A ring with its own hash
   * needs it again.
   *
   * @throws HashRingError `invalid_json`, and the errors of the constructor
   */
  static fromJSON<T extends object = object>(
    json: HashRingJSON<T>,
    { hash }: HashRingOptions = {},
  ): HashRing<T> {
    if (json?.version !== 1 || !Array.isArray(json.nodes) || !Array.isArray(json.table))
      throw new HashRingError('invalid_json', 'not a ring of version 1');
    const listed = toRingNodes<T>(json.nodes, PARTITION_COUNT);
    const nodes = sortedById(listed);
    const indexes = listed.map((node) => nodes.indexOf(node));
    const owners = Array.from(
      json.table,
      (owner) => (Number.isInteger(owner) ? indexes[owner] : undefined) ?? NO_NODE,
    );
    if (owners.length !== PARTITION_COUNT || owners.includes(NO_NODE)) {
      throw new HashRingError('invalid_json', 'the table does not give each partition a node');
    }
    return new HashRing(
      new RingState(nodes, nodes.map(preferenceOf), Uint16Array.from(owners), keyHash(hash)),
    );
  }

  #changed(nodes: readonly RingNode<T>[], preferences: readonly Preference[], table: Table): HashRing<T> {
    return new HashRing(new RingState(nodes, preferences, table, this.#hash));
  }
}

/** The data of a ring. The arrays are parallel, and the table has indexes of nodes. */
class RingState<T extends object> {
  constructor(
    readonly nodes: readonly RingNode<T>[],
    readonly preferences: readonly Preference[],
    readonly table: Table,
    readonly hash: Hash32,
  ) {}
}

/** Returns a pure function of the set of nodes. */
function stateOf<T extends object>(inputs: Iterable<NodeInput<T>>, hash: Hash32): RingState<T> {
  const nodes = sortedById(toRingNodes<T>(inputs, PARTITION_COUNT));
  const preferences = nodes.map(preferenceOf);
  return new RingState(nodes, preferences, assignAll(preferences), hash);
}

function preferenceOf({ id, weight }: RingNode): Preference {
  return new Preference(id, weight);
}
