import { nodeAt, removeNode, reweighNode, toRingNodes, type NodeInput, type RingNode } from '../node.js';
import { chooseReplicas, type ReplicaOptions, type WeightedPlacement } from '../placement.js';
import { md5 } from './md5.js';

export interface KetamaOptions {
  /** How many times each node of mean weight is hashed. Default 40. */
  readonly hashCount?: number | undefined;
  /** How many points of each hash are used, 1 to 4. Default 4; Python's hash_ring has 3. */
  readonly pointsPerHash?: number | undefined;
}

/**
 * Ketama (R. Jones, last.fm 2007; libmemcached): each node has 160 points on a circle of 2³², a key belongs to the
 * next point. The same keys go to the same nodes as with the npm package `hashring` in its defaults, and as
 * with libmemcached for ids of its form (`host:port`, or `host` for the default port).
 *
 * - **Balance**: by chance, the fullest of 10 nodes has about 1.1 times its share, of 100 about 1.2 times.
 * - **Movement**: with equal weights only what a node that comes or goes holds. Otherwise weights are
 *   renormalised, as in the original, and keys move between other nodes too.
 * - **Memory**: 8 bytes for each of 160 points per node. **Lookup**: MD5 of the key and a binary search.
 *
 * `nodes` are in the order given: where two points coincide (once in ten thousand for 10 nodes) it decides.
 */
export class KetamaRing<T extends object = object> implements WeightedPlacement<T> {
  readonly nodes: readonly RingNode<T>[];
  readonly #options: KetamaOptions;
  /** The points, ascending, and the index of each one's node. */
  readonly #points: Float64Array;
  readonly #owners: Uint16Array;

  /**
   * O(points · log points).
   *
   * @throws HashRingError `no_nodes`, `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes` (65,536)
   */
  constructor(nodes: Iterable<NodeInput<T>>, options: KetamaOptions = {}) {
    this.nodes = toRingNodes<T>(nodes, MAX_NODES);
    this.#options = options;
    const points = continuum(this.nodes, options).sort((a, b) => a.value - b.value);
    this.#points = Float64Array.from(points, ({ value }) => value);
    this.#owners = Uint16Array.from(points, ({ owner }) => owner);
  }

  get(key: string | Uint8Array): RingNode<T> {
    return nodeAt(this.nodes, this.#owners[this.#find(key)]);
  }

  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[] {
    return chooseReplicas(this.nodes, this.#preference(key), count, options);
  }

  with(node: NodeInput<T>): KetamaRing<T> {
    return new KetamaRing<T>([...this.nodes, node], this.#options);
  }

  without(id: string): KetamaRing<T> {
    return new KetamaRing<T>(removeNode(this.nodes, id), this.#options);
  }

  withWeight(id: string, weight: number): KetamaRing<T> {
    return new KetamaRing<T>(reweighNode(this.nodes, id, weight), this.#options);
  }

  /** The place of the first point that is not before the key, or of the very first. */
  #find(key: string | Uint8Array): number {
    const [value] = md5(key);
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#points[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low === this.#points.length ? 0 : low;
  }

  /** Around the circle from the key; then the nodes whose weight is too small for a single point. */
  *#preference(key: string | Uint8Array): Iterable<number> {
    const start = this.#find(key);
    yield* this.#owners.subarray(start);
    yield* this.#owners.subarray(0, start);
    yield* this.nodes.keys();
  }
}

/** An owner is stored in 16 bits. */
const MAX_NODES = 0x10000;

interface Point {
  readonly value: number;
  readonly owner: number;
}

function continuum(
  nodes: readonly RingNode[],
  { hashCount = 40, pointsPerHash = 4 }: KetamaOptions,
): Point[] {
  const totalWeight = nodes.reduce((total, { weight }) => total + weight, 0);
  return nodes.flatMap(({ id, weight }, owner) => {
    // In this order of operations, whose rounding now and then costs a hash, as in the original.
    const hashes = Math.floor((weight / totalWeight) * hashCount * nodes.length);
    return Array.from({ length: hashes }, (_, index) => md5(`${id}-${index}`).slice(0, pointsPerHash))
      .flat()
      .map((value) => ({ value, owner }));
  });
}
