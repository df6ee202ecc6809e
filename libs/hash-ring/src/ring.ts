import { HashRingError } from './errors.js';
import { keyHash, type Hash32 } from './hash.js';
import { NOBODY, partitionsIn, type Table } from './ledger.js';
import { indexOfNode, type NodeInput, type RingNode } from './node.js';
import { PARTITION_SHIFT } from './partition.js';
import { chooseReplicas, type ReplicaOptions, type WeightedPlacement } from './placement.js';
import { RingState, type HashRingJSON } from './ring-state.js';
import { statsOf, type RingStats } from './stats.js';

export interface HashRingOptions {
  /** The hash of keys, well mixed in its top 12 bits. Default {@link hash32}. Rings to be compared must share it. */
  readonly hash?: Hash32 | undefined;
}

/**
 * An immutable assignment of the 4,096 partitions to nodes. A lookup is one hash and one array read.
 *
 * **A ring comes about in two ways.** `new HashRing(nodes)` is a pure function of the *set* of nodes: their order
 * and their past don't matter, and every process comes to the same table. `with`, `without` and `withWeight`
 * evolve the table at hand: only partitions of the node that comes, goes or changes move, none between the
 * others. The two agree as long as no node meets a bound of its load, and differ slightly elsewhere, because no
 * pure function can have both even loads and not a single move between survivors (the README says why). Where
 * data stays while nodes come and go, evolve the ring and pass its JSON on.
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
   * The key's partition. O(length of the key).
   *
   * @throws HashRingError `invalid_key`
   */
  partitionOf(key: string | Uint8Array): number {
    return this.#hash(key) >>> PARTITION_SHIFT;
  }

  /**
   * The node of a key. O(length of the key), whatever the number of nodes.
   *
   * @throws HashRingError `invalid_key`
   */
  get(key: string | Uint8Array): RingNode<T> {
    return this.owner(this.#hash(key) >>> PARTITION_SHIFT);
  }

  /**
   * The node of a partition. O(1).
   *
   * @throws HashRingError `invalid_partition`
   */
  owner(partition: number): RingNode<T> {
    const node = this.nodes[this.#table[partition] ?? NOBODY];
    if (node === undefined) throw new HashRingError('invalid_partition', `${partition} is no partition`);
    return node;
  }

  /**
   * The partitions of a node, ascending. O(4,096).
   *
   * @throws HashRingError `unknown_node`
   */
  partitionsOf(id: string): number[] {
    return partitionsIn(this.#table, indexOfNode(this.nodes, id));
  }

  /**
   * `count` distinct nodes for a key, in order of preference: its owner, and then those that want its partition
   * most, who are also those that take it over when the nodes before them go, as far as their loads allow.
   * O(nodes · log nodes).
   *
   * @throws HashRingError `invalid_key`, `invalid_count`, `not_enough_nodes`
   */
  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[] {
    return chooseReplicas(this.nodes, this.#state.preferenceOrder(this.partitionOf(key)), count, options);
  }

  /**
   * A ring with one node more, which takes its share from the others; nothing moves between those.
   * O(nodes + 4,096 · log 4,096).
   *
   * @throws HashRingError `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes`
   */
  with(node: NodeInput<T>): HashRing<T> {
    return new HashRing(this.#state.with(node));
  }

  /**
   * A ring with one node less, whose partitions the others take over; nothing else moves.
   * O(nodes · partitions of that node).
   *
   * @throws HashRingError `unknown_node`, and `no_nodes` when it is the last one
   */
  without(id: string): HashRing<T> {
    return new HashRing(this.#state.without(id));
  }

  /**
   * A ring in which one node has another weight: it takes from the others or gives up to them; nothing moves
   * between those. O(nodes · partitions of that node + 4,096 · log 4,096).
   *
   * @throws HashRingError `unknown_node`, `invalid_weight`
   */
  withWeight(id: string, weight: number): HashRing<T> {
    return new HashRing(this.#state.withWeight(id, weight));
  }

  /** How evenly the partitions are shared out. O(nodes + 4,096). */
  stats(): RingStats {
    return statsOf(this.nodes, this.#state.loads());
  }

  /** The table as plain data. The hash is not part of it. */
  toJSON(): HashRingJSON<T> {
    return this.#state.toJSON();
  }

  /**
   * The ring that `toJSON` described, with its table as it was. Everything is checked. A ring with a hash of its own
   * needs that again.
   *
   * @throws HashRingError `invalid_json`, and what the constructor throws for nodes
   */
  static fromJSON<T extends object = object>(
    json: HashRingJSON<T>,
    { hash }: HashRingOptions = {},
  ): HashRing<T> {
    return new HashRing(RingState.fromJSON<T>(json, keyHash(hash)));
  }
}
