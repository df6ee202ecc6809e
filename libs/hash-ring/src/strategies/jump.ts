import { HashRingError } from '../errors.js';
import { avalanche, keyHash, type Hash32 } from '../hash.js';
import { indexOfNode, nodeAt, removeNode, toRingNodes, type NodeInput, type RingNode } from '../node.js';
import { chooseReplicas, type Placement, type ReplicaOptions } from '../placement.js';

export interface JumpOptions {
  /** The hash of keys. Default `hash32`. */
  readonly hash?: Hash32 | undefined;
}

/**
 * Jump consistent hash (Lamping & Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014). Nodes are
 * numbered buckets, in the given order.
 *
 * - **Balance**: as even as the hash.
 * - **Movement**: the least possible, but **only the last node can be removed** (`not_last_node`), and a new node
 *   comes last. If nodes in the middle can fail, use another strategy. There are no weights.
 * - **Memory**: none but the nodes. **Look-up**: O(log nodes).
 */
export class JumpRing<T extends object = object> implements Placement<T> {
  readonly nodes: readonly RingNode<T>[];
  readonly #options: JumpOptions;
  readonly #hash: Hash32;

  /**
   * O(nodes).
   *
   * @throws HashRingError `no_nodes`, `invalid_node`, `duplicate_node`, `invalid_weight` for any weight but 1,
   *   `invalid_option` for a `hash` that is not a function
   */
  constructor(nodes: Iterable<NodeInput<T>>, options: JumpOptions = {}) {
    this.nodes = toRingNodes<T>(nodes, Infinity);
    for (const { id, weight } of this.nodes) {
      if (weight === 1) continue;
      throw new HashRingError(
        'invalid_weight',
        `jump hashing has no weights, but ${JSON.stringify(id)} has one`,
      );
    }
    this.#options = options;
    this.#hash = keyHash(options.hash);
  }

  get(key: string | Uint8Array): RingNode<T> {
    return nodeAt(this.nodes, bucketOf(this.#hash(key), this.nodes.length));
  }

  /**
   * The first node is the key's bucket; others come from rehashing. O(count · log nodes), and more if `count` is
   * close to all nodes.
   */
  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[] {
    return chooseReplicas(this.nodes, this.#preference(key), count, options);
  }

  with(node: NodeInput<T>): JumpRing<T> {
    return new JumpRing<T>([...this.nodes, node], this.#options);
  }

  /** @throws HashRingError `not_last_node` for any other node, `unknown_node`, `no_nodes` if it is the only node */
  without(id: string): JumpRing<T> {
    if (indexOfNode(this.nodes, id) !== this.nodes.length - 1) {
      throw new HashRingError(
        'not_last_node',
        `${JSON.stringify(id)} is not the last node, and only that can go`,
      );
    }
    return new JumpRing<T>(removeNode(this.nodes, id), this.#options);
  }

  *#preference(key: string | Uint8Array): Iterable<number> {
    let hash = this.#hash(key);
    for (let draw = 0; draw < 4 * this.nodes.length; draw++) {
      yield bucketOf(hash, this.nodes.length);
      hash = avalanche(hash + 0x9e3779b9);
    }
    yield* this.nodes.keys();
  }
}

/**
 * Returns the bucket of a 32-bit key, 0 to `buckets` - 1, by Lamping & Veach's function. O(log buckets).
 *
 * @param key an unsigned 32-bit integer
 * @param buckets an integer from 1 to 2³¹ - 1
 * @throws HashRingError `invalid_key`, `invalid_count`
 */
export function jumpBucket(key: number, buckets: number): number {
  if (key >>> 0 !== key) {
    throw new HashRingError('invalid_key', `${String(key)} is not an unsigned 32-bit integer`);
  }
  if (!Number.isInteger(buckets) || buckets < 1 || buckets >= 2 ** 31) {
    throw new HashRingError('invalid_count', `${String(buckets)} is no number of buckets`);
  }
  return bucketOf(key, buckets);
}

/** {@link jumpBucket} without checks. The 64-bit state is in two halves. */
function bucketOf(key: number, buckets: number): number {
  let low = key >>> 0;
  let high = 0;
  let bucket = 0;
  for (let next = 0; next < buckets;) {
    bucket = next;
    // state = state · 2862933555777941757 + 1, modulo 2⁶⁴
    const product = imul(low, FACTOR_LOW) >>> 0;
    const carry = product === 0xffffffff ? 1 : 0;
    high = (highHalf(low, FACTOR_LOW) + imul(low, FACTOR_HIGH) + imul(high, FACTOR_LOW) + carry) >>> 0;
    low = (product + 1) >>> 0;
    next = Math.floor((bucket + 1) * (2 ** 31 / ((high >>> 1) + 1)));
  }
  return bucket;
}

/** Returns the upper 32 bits of the product of two unsigned numbers. Each step is exact in a double. */
function highHalf(a: number, b: number): number {
  return Math.floor((a * (b >>> 16) + Math.floor((a * (b & 0xffff)) / 65536)) / 65536);
}

const { imul } = Math;
const FACTOR_HIGH = 0x27bb2ee6;
const FACTOR_LOW = 0x87b0b0fd;
