import { excessOf, type PlanNode } from './plan-node.js';

/**
 * Chooses the next primaries of one partition after the other, by their loads. It keeps to a node until that node has more than
 * the others by the room of its bounds: so neighboring partitions stay together, and Redis clients see few ranges of slots.
 */
export class Successors {
  #last: PlanNode | undefined;

  /** Returns one of the nodes, or undefined if there is none. The caller counts the partition for the node. */
  choose(candidates: readonly PlanNode[]): PlanNode | undefined {
    const least = candidates.reduce<PlanNode | undefined>(
      (best, node) => (best === undefined || excessOf(node) < excessOf(best) ? node : best),
      undefined,
    );
    const last = this.#last;
    const isKept =
      least !== undefined &&
      last !== undefined &&
      candidates.includes(last) &&
      excessOf(last) - excessOf(least) <= roomOf(last);
    return isKept ? last : (this.#last = least);
  }
}

function roomOf({ primaryBounds: { fair, upper } }: PlanNode): number {
  return upper - fair;
}
