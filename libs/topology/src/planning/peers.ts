import type { BootId } from '../topology.js';
import type { Draft } from './draft.js';
import type { PlanNode } from './plan-node.js';

/**
 * Counts how many partitions each node holds as a copy for each primary. Two nodes that share partitions exchange the effects
 * of each turn in one frame, so a primary should have few such peers, and enough that they can take over its load.
 */
export class Peers {
  readonly #counts = new Map<BootId, Map<BootId, number>>();
  /** How many partitions of one primary a copy should hold at least, before the primary gets another peer. */
  readonly #stripe: number;

  constructor(draft: Draft) {
    const nodes = draft.nodes.filter(({ isKept }) => isKept).length;
    this.#stripe = Math.ceil(
      (draft.entries.length * Math.max(1, draft.wanted - 1)) /
        Math.max(1, nodes) /
        Math.min(STRIPES, Math.max(1, nodes - 1)),
    );
    draft.entries.forEach((entry, partition) => {
      for (const node of draft.staying(partition)) this.add(entry.primary, node);
    });
  }

  add(primary: BootId | undefined, { bootId }: PlanNode): void {
    if (primary === undefined || primary === bootId) return;
    const counts = this.#counts.get(primary) ?? new Map<BootId, number>();
    this.#counts.set(primary, counts.set(bootId, (counts.get(bootId) ?? 0) + 1));
  }

  /** Returns of how many partitions of the primary the node holds copies. */
  shared(primary: BootId | undefined, { bootId }: PlanNode): number {
    return primary === undefined ? 0 : (this.#counts.get(primary)?.get(bootId) ?? 0);
  }

  /** Returns whether the node holds copies for the primary, and not yet a whole stripe of them. */
  prefers(primary: BootId | undefined, node: PlanNode): boolean {
    return this.shared(primary, node) > 0 && !this.hasStripe(primary, node);
  }

  /** Returns whether the node holds a whole stripe of copies for the primary, or more. */
  hasStripe(primary: BootId | undefined, node: PlanNode): boolean {
    return this.shared(primary, node) >= this.#stripe;
  }
}

/** Into how many stripes the other copies of the partitions of a primary are cut. Each stripe is on one node. */
const STRIPES = 8;
