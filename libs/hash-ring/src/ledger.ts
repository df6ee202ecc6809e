import type { Preference } from './preference.js';
import { sharesOf, type Share } from './shares.js';

/** Of each partition, the index of the node that owns it. */
export type Table = Uint16Array;

/** In a table: nobody yet. */
export const NOBODY = 0xffff;

/** A table in the making, with each node's load and how far that is from its bounds. */
export class Ledger {
  readonly shares: readonly Share[];
  readonly loads: number[];

  /** Takes the table over and changes it. What nobody owns in it is to be settled. */
  constructor(
    readonly nodes: readonly Preference[],
    readonly table: Table,
  ) {
    this.shares = sharesOf(nodes.map((node) => node.weight));
    this.loads = nodes.map(() => 0);
    for (const owner of table) this.#add(owner, 1);
  }

  load(node: number): number {
    return this.loads[node] ?? 0;
  }

  /** How many partitions the nodes below their lower bounds need to reach them. */
  missing(): number {
    return this.shares.reduce((sum, share, node) => sum + Math.max(0, share.lower - this.load(node)), 0);
  }

  /** How many partitions the nodes hold above their upper bounds, of each the ones it wants least. */
  releaseExcess(): number[] {
    return this.shares.flatMap(({ upper }, node) => this.#releaseWorst(node, this.load(node) - upper));
  }

  /** Takes one partition from the node that is furthest above its lower bound. */
  releaseOne(): number[] {
    let fullest = 0;
    let most = -Infinity;
    this.shares.forEach(({ lower }, node) => {
      const above = this.load(node) - lower;
      if (above <= most) return;
      fullest = node;
      most = above;
    });
    return this.#releaseWorst(fullest, 1);
  }

  /** Leaves these partitions to nobody. */
  release(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.#add(this.table[partition] ?? NOBODY, -1);
      this.table[partition] = NOBODY;
    }
  }

  /**
   * Gives each partition, in order of number, to the node that wants it most and has room for it; once what is
   * left only just brings the poor to their lower bounds, to one of those.
   */
  settle(partitions: readonly number[], except?: number): void {
    let missing = this.missing();
    let left = partitions.length;
    for (const partition of [...partitions].sort((a, b) => a - b)) {
      const onlyPoor = missing >= left--;
      const node = this.firstChoice(partition, (candidate, { lower, upper }) => {
        return candidate !== except && this.load(candidate) < (onlyPoor ? lower : upper);
      });
      if (this.load(node) < (this.shares[node]?.lower ?? 0)) missing--;
      this.table[partition] = node;
      this.#add(node, 1);
    }
  }

  /** Of the nodes that are eligible, the one that wants the partition most. O(nodes). */
  firstChoice(partition: number, eligible: (node: number, share: Share) => boolean): number {
    let best = NOBODY;
    let bestCost = Infinity;
    this.shares.forEach((share, node) => {
      if (!eligible(node, share)) return;
      const candidate = this.nodes[node];
      const cost = candidate?.cost(partition) ?? Infinity;
      if (!candidate?.precedes(cost, this.nodes[best], bestCost, partition)) return;
      best = node;
      bestCost = cost;
    });
    return best;
  }

  #releaseWorst(node: number, count: number): number[] {
    const preference = this.nodes[node];
    if (preference === undefined || count <= 0) return [];
    const worst = this.partitionsOf(node)
      .sort((a, b) => preference.cost(b) - preference.cost(a))
      .slice(0, count);
    this.release(worst);
    return worst;
  }

  partitionsOf(node: number): number[] {
    const partitions: number[] = [];
    this.table.forEach((owner, partition) => {
      if (owner === node) partitions.push(partition);
    });
    return partitions;
  }

  #add(node: number, count: number): void {
    if (node !== NOBODY) this.loads[node] = this.load(node) + count;
  }
}
