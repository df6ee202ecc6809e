import type { Preference } from './preference.js';
import { sharesOf, type Share } from './shares.js';

/** Of each partition, the index of the node that owns it. */
export type Table = Uint16Array;

/** In a table: nobody yet. */
export const NOBODY = 0xffff;

const NO_SHARE: Share = { fair: 0, lower: 0, upper: 0, intake: 0 };

/** A table in the making, with each node's load and how far that is from its bounds. */
export class Ledger {
  readonly #shares: readonly Share[];
  readonly #loads: number[];

  /** Takes the table over and changes it. What nobody owns in it is to be settled. */
  constructor(
    readonly nodes: readonly Preference[],
    readonly table: Table,
  ) {
    this.#shares = sharesOf(nodes.map((node) => node.weight));
    this.#loads = nodes.map(() => 0);
    for (const owner of table) this.#add(owner, 1);
  }

  share(node: number): Share {
    return this.#shares[node] ?? NO_SHARE;
  }

  load(node: number): number {
    return this.#loads[node] ?? 0;
  }

  move(partition: number, to: number): void {
    this.#add(this.table[partition] ?? NOBODY, -1);
    this.#add(to, 1);
    this.table[partition] = to;
  }

  /** How many partitions the nodes below their lower bounds need to reach them. */
  missing(): number {
    return this.#shares.reduce((sum, share, node) => sum + Math.max(0, share.lower - this.load(node)), 0);
  }

  /** Takes from each node as many partitions as `counts` says, the ones it wants least, and leaves them to nobody. */
  releaseWorst(counts: readonly number[]): number[] {
    const held = this.#partitionsByNode();
    return this.nodes.flatMap((node, index) => {
      const count = counts[index] ?? 0;
      if (count <= 0) return [];
      const worstFirst = (held[index] ?? []).sort((a, b) => node.cost(b) - node.cost(a));
      const released = worstFirst.slice(0, count);
      for (const partition of released) this.move(partition, NOBODY);
      return released;
    });
  }

  /**
   * Gives each partition, in order of number, to the node that wants it most and has room for it; once what is
   * left only just brings the poor to their lower bounds, to one of those. The node `except` gets none.
   */
  settle(partitions: readonly number[], except?: number): void {
    const lower = this.#shares.map((share, node) => (node === except ? 0 : share.lower));
    const upper = this.#shares.map((share, node) => (node === except ? 0 : share.upper));
    let missing = this.missing();
    let left = partitions.length;
    for (const partition of partitions.toSorted((a, b) => a - b)) {
      const node = this.#firstChoice(partition, missing < left-- ? upper : lower);
      if (this.load(node) < (lower[node] ?? 0)) missing--;
      this.move(partition, node);
    }
  }

  /** Of the nodes whose loads are below their limits, the one that wants the partition most. O(nodes). */
  #firstChoice(partition: number, limits: readonly number[]): number {
    let best = NOBODY;
    let bestCost = Infinity;
    for (let node = 0; node < limits.length; node++) {
      const candidate = this.nodes[node];
      if (candidate === undefined || this.load(node) >= (limits[node] ?? 0)) continue;
      const cost = candidate.cost(partition);
      if (!candidate.precedes(cost, this.nodes[best], bestCost, partition)) continue;
      best = node;
      bestCost = cost;
    }
    return best;
  }

  #partitionsByNode(): number[][] {
    const lists = this.nodes.map((): number[] => []);
    this.table.forEach((owner, partition) => lists[owner]?.push(partition));
    return lists;
  }

  #add(node: number, count: number): void {
    if (node !== NOBODY) this.#loads[node] = this.load(node) + count;
  }
}

/** The partitions of one owner, ascending. */
export function partitionsIn(table: Table, owner: number): number[] {
  const partitions: number[] = [];
  for (let partition = 0; partition < table.length; partition++) {
    if (table[partition] === owner) partitions.push(partition);
  }
  return partitions;
}
