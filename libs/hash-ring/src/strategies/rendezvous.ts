import { avalanche, hash32, keyHash, NODE_SEED_1, type Hash32 } from '../hash.js';
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

export interface RendezvousOptions {
  /** The hash of keys. Default `hash32`. */
  readonly hash?: Hash32 | undefined;
}

/**
 * Weighted rendezvous hashing, or highest random weight (Thaler & Ravishankar, "Using name-based mappings to increase
 * hit rates", 1998): every node draws an exponential time at the rate of its weight from (key, node), and the
 * earliest node has the key.
 *
 * - **Balance**: as even as the hash. Over many keys, every node has its share by weight, up to chance.
 * - **Movement**: always the least possible.
 * - **Memory**: none but the nodes. **Look-up**: O(nodes).
 *
 * `nodes` are sorted by id.
 */
export class RendezvousRing<T extends object = object> implements WeightedPlacement<T> {
  readonly nodes: readonly RingNode<T>[];
  readonly #seeds: Uint32Array;
  readonly #weights: Float64Array;
  readonly #options: RendezvousOptions;
  readonly #hash: Hash32;

  /**
   * O(nodes · log nodes).
   *
   * @throws HashRingError `no_nodes`, `invalid_node`, `duplicate_node`, `invalid_weight`, `invalid_option` for a `hash`
   *   that is not a function
   */
  constructor(nodes: Iterable<NodeInput<T>>, options: RendezvousOptions = {}) {
    this.nodes = sortedById(toRingNodes<T>(nodes, Infinity));
    this.#seeds = Uint32Array.from(this.nodes, ({ id }) => hash32(id, NODE_SEED_1));
    this.#weights = Float64Array.from(this.nodes, ({ weight }) => weight);
    this.#options = options;
    this.#hash = keyHash(options.hash);
  }

  get(key: string | Uint8Array): RingNode<T> {
    const hash = this.#hash(key);
    let best = 0;
    let earliest = Infinity;
    for (let index = 0; index < this.#weights.length; index++) {
      const draw = this.#draw(hash, index);
      const weight = this.#weights[index] ?? 1;
      // -ln(x) is at least 1 - x, which usually shows already that a node is too late; with a margin for rounding.
      if ((1 - (draw + 0.5) * ONE_DRAW) / weight > earliest * 1.000001) continue;
      const time = exponential(draw) / weight;
      if (time >= earliest) continue;
      earliest = time;
      best = index;
    }
    return nodeAt(this.nodes, best);
  }

  /** O(nodes · log nodes). */
  getN(key: string | Uint8Array, count: number, options?: ReplicaOptions): RingNode<T>[] {
    const hash = this.#hash(key);
    const times = this.nodes.map(({ weight }, index) => exponential(this.#draw(hash, index)) / weight);
    const preference = Array.from(times.keys()).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
    return chooseReplicas(this.nodes, preference, count, options);
  }

  with(node: NodeInput<T>): RendezvousRing<T> {
    return new RendezvousRing<T>([...this.nodes, node], this.#options);
  }

  without(id: string): RendezvousRing<T> {
    return new RendezvousRing<T>(removeNode(this.nodes, id), this.#options);
  }

  withWeight(id: string, weight: number): RendezvousRing<T> {
    return new RendezvousRing<T>(reweighNode(this.nodes, id, weight), this.#options);
  }

  #draw(hash: number, index: number): number {
    const seed = this.#seeds[index] ?? 0;
    return avalanche(avalanche(hash ^ seed) + seed);
  }
}

/**
 * Returns -ln((draw + ½) / 2³²) to nine digits. It uses sums, products and quotients, which every machine rounds
 * alike. `Math.log` may differ in the last bit, so two processes could disagree.
 */
function exponential(draw: number): number {
  const zeros = Math.clz32(draw);
  // (draw + ½) / 2³² = mantissa · 2^-(zeros + 1), with a mantissa from 1 to 2 (and 1 for a draw of 0).
  const mantissa = (draw + 0.5) * (SCALES[zeros] ?? 2);
  const z = (mantissa - 1) / (mantissa + 1);
  const square = z * z;
  // ln(mantissa) = 2 · artanh(z) = 2z · (1 + z²/3 + z⁴/5 + …)
  let series = 0;
  for (let term = 0; term < COEFFICIENTS.length; term++) series = series * square + (COEFFICIENTS[term] ?? 0);
  return (zeros + 1) * LN_2 - 2 * z * series;
}

const ONE_DRAW = 2 ** -32;
const LN_2 = 0.6931471805599453;

/** 2^(zeros - 31) */
const SCALES = Array.from({ length: 33 }, (_, zeros) => 2 ** (zeros - 31));

const COEFFICIENTS = [1 / 17, 1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3, 1];
