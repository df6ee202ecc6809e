import { HashRingError } from './errors.js';
import { keyHash, type Hash32 } from './hash.js';
import { NO_NODE, partitionsIn, type Table } from './assignment.js';
import { indexOfNode, type NodeInput, type RingNode } from './node.js';
import { PARTITION_SHIFT } from './partition.js';
import { chooseReplicas, type ReplicaOptions, type WeightedPlacement } from './placement.js';
import { RingState, type HashRingJSON } from './ring-state.js';
import { statsOf, type RingStats } from './stats.js';

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
  readonly #state: RingState<T>;

  /**
   * O(nodes · 4,096).
   *
   * @throws HashRingError `no_nodes`, `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes`
   */
  constructor(nodes: Iterable<NodeInput<T>>, options?: HashRingOptions);
  /** @internal */
  constructor(state: RingState<T>);
  constructor(from: Iterable<NodeInput<T>> | RingState<T>, { hash }: HashRingOptions = {}) {
    this.#state = from instanceof RingState ? from : RingState.build<T>(from, keyHash(hash));
    this.nodes = this.#state.nodes;
    this.#table = this.#state.table;
    this.#hash = this.#state.hash;
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
    return chooseReplicas(this.nodes, this.#state.preferenceOrder(this.partitionOf(key)), count, options);
  }

  /**
   * Returns a ring with one more node, which takes its share from the others. Nothing moves between those. O(nodes +
   * 4,096 · log 4,096).
   *
   * @throws HashRingError `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes`
   */
  with(node: NodeInput<T>): HashRing<T> {
    return new HashRing(this.#state.with(node));
  }

  /**
   * Returns a ring without one node. The others take over its partitions, and nothing else moves. O(nodes ·
   * partitions of that node).
   *
   * @throws HashRingError `unknown_node`, and `no_nodes` if it is the last node
   */
  without(id: string): HashRing<T> {
    return new HashRing(this.#state.without(id));
  }

  /**
   * Returns a ring with another weight for one node. Partitions move only to or from that node. O(nodes · partitions
   * of that node + 4,096 · log 4,096).
   *
   * @throws HashRingError `unknown_node`, `invalid_weight`
   */
  withWeight(id: string, weight: number): HashRing<T> {
    return new HashRing(this.#state.withWeight(id, weight));
  }

  /** Returns how evenly the partitions are distributed. O(nodes + 4,096). */
  stats(): RingStats {
    return statsOf(this.nodes, this.#state.loads());
  }

  /** Returns the table as plain data, without the hash. */
  toJSON(): HashRingJSON<T> {
    return this.#state.toJSON();
  }

  /**
   * Returns the ring that `toJSON` described, with the same table. Everything is checked. A ring with its own hash
   * needs it again.
   *
   * @throws HashRingError `invalid_json`, and the errors of the constructor for nodes
   */
  static fromJSON<T extends object = object>(
    json: HashRingJSON<T>,
    { hash }: HashRingOptions = {},
  ): HashRing<T> {
    return new HashRing(RingState.fromJSON<T>(json, keyHash(hash)));
  }
}
