import { HashRingError } from '../errors.js';
import { nodeAt, removeNode, reweighNode, toRingNodes, type NodeInput, type RingNode } from '../node.js';
import { chooseReplicas, type ReplicaOptions, type WeightedPlacement } from '../placement.js';
import { md5 } from './md5.js';

export interface KetamaOptions {
  /** How many times each node of mean weight is hashed, at least 1. Default 40. */
  readonly hashCount?: number | undefined;
  /** How many points of each hash are used, 1 to 4. Default 4; Python's hash_ring uses 3. */
  readonly pointsPerHash?: number | undefined;
  /** How to compute a node's number of hashes. Default `libmemcached`. */
  readonly rounding?: KetamaRounding | undefined;
}

/**
 * A node has `hashCount` hashes times its weight over the mean weight, rounded down. Implementations compute the
 * quotient with different errors, and then the same nodes differ by a hash:
 *
 * - `libmemcached`: in single precision, as libmemcached 1.1.4 does. Equal nodes have one hash less at 25, 47, 50,
 *   55, 61, 71, 94, 100 … nodes.
 * - `hashring`: in double precision, as the npm package `hashring` does. Equal nodes have one hash less at 7, 14, 28,
 *   49, 56, 98 … nodes.
 * - `exact`: without that error. Equal nodes have `hashCount` hashes at every number of nodes.
 */
export type KetamaRounding = 'libmemcached' | 'hashring' | 'exact';

/**
 * Ketama (R. Jones, last.fm 2007): each node has 160 points on a circle of 2³², and a key belongs to the next point.
 * Keys go to the same nodes as with libmemcached's weighted ketama for ids of its form (`host:port`, or `host` for
 * the default port), and with `rounding: 'hashring'` as with the npm package `hashring` and its defaults.
 *
 * - **Balance**: by chance. The fullest of 10 nodes has about 1.1 times its share, of 100 nodes about 1.2 times.
 * - **Movement**: with equal weights, only the keys of the node that is added or removed, if nodes have as many
 *   hashes before as after; `rounding: 'exact'` ensures that. Otherwise weights are renormalised, as in the original,
 *   and keys move between other nodes too.
 * - **Memory**: 8 bytes for each of 160 points per node. **Look-up**: MD5 of the key and a binary search.
 *
 * `nodes` are in the given order, which decides if two points coincide (once in ten thousand for 10 nodes).
 */
export class KetamaRing<T extends object = object> implements WeightedPlacement<T> {
  readonly nodes: readonly RingNode<T>[];
  readonly #options: KetamaOptions;
  /** The points, ascending, and the index of each point's node. */
  readonly #points: Float64Array;
  readonly #owners: Uint16Array;

  /**
   * O(points · log points).
   *
   * @throws HashRingError `no_nodes`, `invalid_node`, `duplicate_node`, `invalid_weight`, `too_many_nodes` (more than
   *   65,536), `invalid_option` (also for more than 2²² hashes in all), `too_few_points`
   */
  constructor(nodes: Iterable<NodeInput<T>>, options: KetamaOptions = {}) {
    this.nodes = toRingNodes<T>(nodes, MAX_NODES);
    this.#options = options;
    const circle = circleOf(this.nodes, options);
    this.#points = circle.map((point) => Math.floor(point / MAX_NODES));
    this.#owners = Uint16Array.from(circle, (point) => point % MAX_NODES);
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

  /** Returns the index of the first point that is not before the key, or 0. */
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

  /** Yields the nodes around the circle from the key, and then nodes whose weight is too small for a point. */
  *#preference(key: string | Uint8Array): Iterable<number> {
    const start = this.#find(key);
    yield* this.#owners.subarray(start);
    yield* this.#owners.subarray(0, start);
    yield* this.nodes.keys();
  }
}

/** Owners are stored in 16 bits. */
const MAX_NODES = 0x10000;

/** Returns all points, ascending, each as `value · MAX_NODES + owner`: 48 bits, which a double can hold. */
function circleOf(
  nodes: readonly RingNode[],
  { hashCount = 40, pointsPerHash = 4, rounding = 'libmemcached' }: KetamaOptions,
): Float64Array {
  checkOption('hashCount', hashCount, Math.floor(MAX_HASHES / nodes.length));
  checkOption('pointsPerHash', pointsPerHash, 4);
  const hashesOf = roundingOf(rounding);
  const totalWeight = nodes.reduce((total, { weight }) => total + weight, 0);
  const pointsByNode = nodes.map(({ id, weight }, owner) =>
    Array.from({ length: hashesOf(weight, totalWeight, hashCount, nodes.length) }, (_, index) =>
      md5(`${id}-${index}`).slice(0, pointsPerHash),
    ).flatMap((values) => values.map((value) => value * MAX_NODES + owner)),
  );
  if (pointsByNode.filter(({ length }) => length > 0).length < Math.min(nodes.length, 2)) {
    throw new HashRingError('too_few_points', 'at most one of the nodes has points on the circle');
  }
  return Float64Array.from(pointsByNode.flat()).sort();
}

/** Returns how many hashes a node has. The order of operations matters. */
type Rounding = (weight: number, totalWeight: number, hashCount: number, nodeCount: number) => number;

const ROUNDINGS: Readonly<Record<KetamaRounding, Rounding>> = {
  // libmemcached also adds 1e-10, which is lost when it rounds the sum to a float.
  libmemcached: (weight, totalWeight, hashCount, nodeCount) => {
    const share = fround(fround(weight) / fround(totalWeight));
    return Math.floor(fround(fround(share * hashCount) * nodeCount));
  },
  hashring: (weight, totalWeight, hashCount, nodeCount) =>
    Math.floor((weight / totalWeight) * hashCount * nodeCount),
  exact: (weight, totalWeight, hashCount, nodeCount) =>
    Math.floor(((weight * nodeCount) / totalWeight) * hashCount + 1e-9),
};

function roundingOf(name: KetamaRounding): Rounding {
  if (Object.hasOwn(ROUNDINGS, name)) return ROUNDINGS[name];
  throw new HashRingError('invalid_option', `rounding is one of ${Object.keys(ROUNDINGS).join(', ')}`);
}

const { fround } = Math;

/** Enough for 40 hashes of each of the maximum number of nodes. */
const MAX_HASHES = 2 ** 22;

function checkOption(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new HashRingError('invalid_option', `${name} is an integer from 1 to ${max}, not ${String(value)}`);
}
