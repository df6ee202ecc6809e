import type { Preference } from './preference.js';
import { sharesOf, type Share } from './shares.js';

/** The index of each partition's owner. */
export type Table = Uint16Array;

/** In a table: the partition has no owner yet. */
export const NO_NODE = 0xffff;

const NO_SHARE: Share = { fair: 0, lower: 0, upper: 0, intake: 0 };

/** A table in progress, with each node's load and the bounds of that load. */
export class Assignment {
  readonly #shares: readonly Share[];
  readonly #loads: number[];

  /** Takes ownership of the table and changes it. */
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
    this.#add(this.table[partition] ?? NO_NODE, -1);
    this.#add(to, 1);
    this.table[partition] = to;
  }

  /** Returns how many partitions the nodes below their lower bounds need to reach them. */
  missing(): number {
    return this.#shares.reduce((sum, share, node) => sum + Math.max(0, share.lower - this.load(node)), 0);
  }

  /** Takes from each node as many partitions as `counts` says, those that it wants least. They then have no owner. */
  releaseWorst(counts: readonly number[]): number[] {
    const held = this.#partitionsByNode();
    return this.nodes.flatMap((node, index) => {
      const count = counts[index] ?? 0;
      if (count <= 0) return [];
      const worstFirst = (held[index] ?? []).sort((a, b) => node.cost(b) - node.cost(a));
      const released = worstFirst.slice(0, count);
      for (const partition of released) this.move(partition, NO_NODE);
      return released;
    });
  }

  /**
   * Assigns each partition, in order of number, to the node that wants it most and has room for it. Once the rest is
   * just enough to bring the nodes below their lower bounds to those, only such nodes get partitions. The node
   * `except` gets none.
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

  /** Returns the node that wants the partition most, of those whose loads are below their limits. O(nodes). */
  #firstChoice(partition: number, limits: readonly number[]): number {
    let best = NO_NODE;
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
    if (node !== NO_NODE) this.#loads[node] = this.load(node) + count;
  }
}

/** Returns the partitions of one owner, ascending. */
export function partitionsIn(table: Table, owner: number): number[] {
  const partitions: number[] = [];
  for (let partition = 0; partition < table.length; partition++) {
    if (table[partition] === owner) partitions.push(partition);
  }
  return partitions;
}
