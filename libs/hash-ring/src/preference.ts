import { avalanche, hash32, NODE_SEED_1, NODE_SEED_2 } from './hash.js';
import { PARTITION_COUNT } from './partition.js';

// Looked up once, see hash.ts.
const { imul } = Math;

const MASK = PARTITION_COUNT - 1;

/**
 * The expected value of the rank-th smallest of 4,096 unit exponentials (Rényi 1953): 1/4096 + 1/4095 + … It uses
 * sums and quotients only, for which IEEE 754 gives every machine the same bits. It does not for `Math.log`.
 */
const RANK_COST = /* @__PURE__ */ rankCosts();

/**
 * How much a node wants each partition: weighted rendezvous hashing (Thaler & Ravishankar 1998; weights by
 * exponential clocks), stratified. It depends only on the node's id and weight, so other nodes don't change it.
 *
 * Plain rendezvous draws a random number for each node and partition. With few partitions per node, chance makes the
 * loads uneven. Here a node *ranks* the partitions by a permutation of 0 to 4,095 keyed by its id, so that every node
 * has exactly one partition of each rank. That halves the variance of the loads.
 */
export class Preference {
  readonly #first: number;
  readonly #last: number;
  readonly #factor1: number;
  readonly #factor2: number;
  readonly #factor3: number;
  readonly #tieKey: number;

  constructor(
    id: string,
    readonly weight: number,
  ) {
    // 64 bits of the id, so that two nodes almost never rank alike.
    const a = hash32(id, NODE_SEED_1);
    const b = hash32(id, NODE_SEED_2);
    this.#first = a >>> 20;
    this.#last = b >>> 20;
    this.#factor1 = a | 1;
    this.#factor2 = b | 1;
    this.#factor3 = avalanche(a ^ imul(b, 0x9e3779b1)) | 1;
    this.#tieKey = avalanche(b ^ imul(a, 0x85ebca6b));
  }

  /** Returns the cost of assigning the partition to this node. The node with the lowest cost is the first choice. */
  cost(partition: number): number {
    return (RANK_COST[this.#rank(partition)] ?? 0) / this.weight;
  }

  /**
   * Lowers `lowest` to this node's costs where they are not higher, and reports each such partition. It does the same
   * as {@link cost} for all partitions, in a loop that is fast enough for a thousand nodes.
   */
  underbid(lowest: Float64Array, found: (partition: number, cost: number) => void): void {
    const { weight } = this;
    // The masks change nothing. They tell the compiler once, outside of the loop, that these are small integers.
    const first = this.#first & MASK;
    const last = this.#last & MASK;
    const factor1 = this.#factor1 & MASK;
    const factor2 = this.#factor2 & MASK;
    const factor3 = this.#factor3 & MASK;
    for (let partition = 0; partition < lowest.length; partition++) {
      const rank = rankOf(partition, first, factor1, factor2, factor3, last);
      const cost = (RANK_COST[rank] ?? 0) / weight;
      if (cost <= (lowest[partition] ?? 0)) found(partition, cost);
    }
  }

  /** Returns whether this node, at `cost`, precedes `other`, at `otherCost`. True if there is no other. */
  precedes(cost: number, other: Preference | undefined, otherCost: number, partition: number): boolean {
    if (other === undefined) return true;
    if (cost !== otherCost) return cost < otherCost;
    return this.#tieBreak(partition) < other.#tieBreak(partition);
  }

  /**
   * Returns the ratio of the partition's cost at another node to its cost here. Below 1, the other node wants it
   * more.
   */
  reluctance(partition: number, other: Preference | undefined): number {
    if (other === undefined) return Infinity;
    const cost = this.cost(partition);
    const otherCost = other.cost(partition);
    if (cost !== otherCost) return otherCost / cost;
    return other.precedes(otherCost, this, cost, partition) ? 1 - Number.EPSILON : 1;
  }

  #rank(partition: number): number {
    return rankOf(partition, this.#first, this.#factor1, this.#factor2, this.#factor3, this.#last);
  }

  #tieBreak(partition: number): number {
    return avalanche(this.#tieKey ^ imul(partition + 1, 0x9e3779b1));
  }
}

/** A bijection of 12 bits: odd factors, sums and lossless shifts. */
function rankOf(
  partition: number,
  first: number,
  factor1: number,
  factor2: number,
  factor3: number,
  last: number,
): number {
  let x = imul(partition ^ first, factor1) & MASK;
  x = imul(x ^ (x >>> 6), factor2) & MASK;
  x = imul(x ^ (x >>> 7), factor3) & MASK;
  return ((x ^ (x >>> 5)) + last) & MASK;
}

function rankCosts(): Float64Array {
  const costs = new Float64Array(PARTITION_COUNT);
  let sum = 0;
  for (let rank = 0; rank < PARTITION_COUNT; rank++) {
    sum += 1 / (PARTITION_COUNT - rank);
    costs[rank] = sum;
  }
  return costs;
}
