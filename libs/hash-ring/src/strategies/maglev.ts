import { HashRingError } from '../errors.js';
import { hash32, keyHash, NODE_SEED_1, NODE_SEED_2, type Hash32 } from '../hash.js';
import {
  nodeAt,
  removeNode,
  reweighNode,
  sortedById,
  toRingNodes,
  type NodeInput,
  type RingNode,
} from '../node.js';
import { chooseReplicas, type ReplicaOptions, type WeightedPlacement } from '../placement.js';

export interface MaglevOptions {
  /** The hash of keys. Default `hash32`. */
  readonly hash?: Hash32 | undefined;
  /**
   * How many entries the table has: a prime from the number of nodes to 2²⁴. It should be at least a hundred times the number of
   * nodes. Default 65,537.
   */
  readonly tableSize?: number | undefined;
}

/**
 * Maglev hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, section
 * 3.4): nodes alternate in picking the next free entry of a table, each by its own permutation.
 *
 * - **Balance**: entries of equal nodes differ by at most one; by weight, by one or two.
 * - **Movement**: small, but not minimal. A change also moves some entries between other nodes, about as many again
 *   for 100 nodes and the default table.
 * - **Memory**: 2 bytes per entry, 128 KiB by default. **Look-up**: one hash and one array read.
 *
 * `nodes` are sorted by id.
 */
export class MaglevRing<T extends object = object> implements WeightedPlacement<T> {
  readonly nodes: readonly RingNode<T>[];
  readonly #table: Uint16Array;
  readonly #options: MaglevOptions;
  readonly #hash: Hash32;

  /**
   * O(table size · log table size) on average.
   *
   * @throws HashRingError `no_nodes`, `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes` (65,535),
   *   `invalid_table_size`, `invalid_option` for a `hash` that is not a function
   */
  constructor(nodes: Iterable<NodeInput<T>>, options: MaglevOptions = {}) {
    this.nodes = sortedById(toRingNodes<T>(nodes, FREE));
    this.#table = populate(this.nodes, options.tableSize ?? 65537);
    this.#options = options;
    this.#hash = keyHash(options.hash);
  }

  get(key: string | Uint8Array): RingNode<T> {
    return nodeAt(this.nodes, this.#table[this.#hash(key) % this.#table.length]);
  }

  /** Returns nodes along the table from the key's entry. */
  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[] {
    return chooseReplicas(this.nodes, this.#preference(this.#hash(key) % this.#table.length), count, options);
  }

  with(node: NodeInput<T>): MaglevRing<T> {
    return new MaglevRing<T>([...this.nodes, node], this.#options);
  }

  without(id: string): MaglevRing<T> {
    return new MaglevRing<T>(removeNode(this.nodes, id), this.#options);
  }

  withWeight(id: string, weight: number): MaglevRing<T> {
    return new MaglevRing<T>(reweighNode(this.nodes, id, weight), this.#options);
  }

  *#preference(start: number): Iterable<number> {
    yield* this.#table.subarray(start);
    yield* this.#table.subarray(0, start);
    yield* this.nodes.keys();
  }
}

/** 32 MiB, and 256 entries for each of the maximum number of nodes. */
const MAX_TABLE_SIZE = 2 ** 24;

/** In a table: the entry has no node yet. */
const FREE = 0xffff;

function populate(nodes: readonly RingNode[], size: number): Uint16Array {
  if (size > MAX_TABLE_SIZE || !isPrime(size) || size < nodes.length) {
    throw new HashRingError(
      'invalid_table_size',
      `${String(size)} is not a prime from ${nodes.length} to ${MAX_TABLE_SIZE}`,
    );
  }
  const heaviest = Math.max(...nodes.map(({ weight }) => weight));
  const pickers = nodes.map(({ id, weight }) => ({
    entry: hash32(id, NODE_SEED_1) % size,
    skip: (hash32(id, NODE_SEED_2) % (size - 1)) + 1,
    rate: weight / heaviest,
    due: 0,
  }));
  const table = new Uint16Array(size).fill(FREE);
  for (let filled = 0; filled < size;) {
    for (const [index, picker] of pickers.entries()) {
      picker.due += picker.rate;
      if (picker.due < 1) continue;
      picker.due -= 1;
      while (table[picker.entry] !== FREE) picker.entry = (picker.entry + picker.skip) % size;
      table[picker.entry] = index;
      if (++filled === size) break;
    }
  }
  return table;
}

function isPrime(candidate: number): boolean {
  if (!Number.isInteger(candidate) || candidate < 2) return false;
  for (let divisor = 2; divisor * divisor <= candidate; divisor++)
    if (candidate % divisor === 0) return false;
  return true;
}
