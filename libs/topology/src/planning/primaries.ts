import type { BootId } from '../topology.js';
import type { Draft } from './draft.js';
import { excessOf, type PlanNode } from './plan-node.js';

/**
 * Evens out how many partitions each node is primary of, by hand-overs between copies in sync. If no copy of an overloaded node
 * has room, a chain of hand-overs reaches a node that has. O(hand-overs · nodes² + 4,096 · copies).
 */
export function balancePrimaries(draft: Draft): void {
  // Later: the copies are not where they stay, and nodes that are busy with moves would pause each partition for longer.
  if (draft.isMoving) return;
  let possible: PossibleHandOvers | undefined;
  for (let count = 0; count < MAX_CHAINS; count++) {
    if (!isUneven(draft)) return;
    possible ??= possibleHandOvers(draft);
    const chain = findChain(draft, possible);
    if (chain === undefined) return;
    for (const handOver of chain) {
      // A chain passes each node once, so at least one of the partitions is left.
      const added = (partition: number) => addedRanges(draft, partition, handOver);
      const partition = handOver.partitions
        .filter((one) => draft.isUnchanged(one))
        .reduce((best, one) => (added(one) < added(best) ? one : best));
      if (!draft.order(partition, { kind: 'handOver', to: handOver.to })) return;
    }
  }
}

interface HandOver {
  readonly from: BootId;
  readonly to: BootId;
  /** The partitions that the node could hand over at the beginning of the plan. */
  readonly partitions: readonly number[];
}

/** The partitions that one node can hand over to another, in order, by the boot ids of both. */
type PossibleHandOvers = ReadonlyMap<BootId, ReadonlyMap<BootId, readonly number[]>>;

function isUneven({ usable }: Draft): boolean {
  return usable.some(
    ({ primaries, primaryBounds }) => primaries > primaryBounds.upper || primaries < primaryBounds.lower,
  );
}

function findChain(draft: Draft, possible: PossibleHandOvers): HandOver[] | undefined {
  const above = draft.usable.filter(({ primaries, primaryBounds }) => primaries > primaryBounds.upper);
  const below = draft.usable.filter(({ primaries, primaryBounds }) => primaries < primaryBounds.lower);
  for (const from of above.sort((a, b) => excessOf(b) - excessOf(a))) {
    const chain = shortestChain(draft, possible, [from], (node) => excessOf(node) <= -0.5);
    if (chain !== undefined) return chain;
  }
  const donors = draft.usable
    .filter((node) => excessOf(node) >= 0.5)
    .sort((a, b) => excessOf(b) - excessOf(a));
  return shortestChain(draft, possible, donors, (node) => below.includes(node));
}

function possibleHandOvers(draft: Draft): PossibleHandOvers {
  const possible = new Map<BootId, Map<BootId, number[]>>();
  draft.entries.forEach((entry, partition) => {
    const from = entry.primary;
    if (from === undefined || entry.learner !== undefined) return;
    if (!draft.isUnchanged(partition) || draft.hasSurplus(partition)) return;
    const others = possible.get(from) ?? new Map<BootId, number[]>();
    possible.set(from, others);
    for (const { bootId: to, isUsable } of draft.staying(partition)) {
      if (to === from || !isUsable || draft.input.isPaused(partition, to)) continue;
      const partitions = others.get(to);
      if (partitions === undefined) others.set(to, [partition]);
      else partitions.push(partition);
    }
  });
  return possible;
}

/** Searches breadth-first from all of the donors. */
function shortestChain(
  draft: Draft,
  possible: PossibleHandOvers,
  donors: readonly PlanNode[],
  isGoal: (node: PlanNode) => boolean,
): HandOver[] | undefined {
  const reached = new Map<BootId, HandOver | undefined>(donors.map(({ bootId }) => [bootId, undefined]));
  // The map grows during the loop, which then visits the new nodes too.
  for (const [bootId] of reached) {
    for (const [to, partitions] of possible.get(bootId) ?? []) {
      if (reached.has(to)) continue;
      if (!partitions.some((one) => draft.isUnchanged(one))) continue;
      const handOver = { from: bootId, to, partitions };
      reached.set(to, handOver);
      const node = draft.nodeOf(to);
      if (node !== undefined && isGoal(node)) return chainTo(reached, handOver);
    }
  }
  return undefined;
}

function chainTo(reached: ReadonlyMap<BootId, HandOver | undefined>, last: HandOver): HandOver[] {
  const chain: HandOver[] = [];
  for (let step: HandOver | undefined = last; step !== undefined; step = reached.get(step.from)) {
    chain.unshift(step);
  }
  return chain;
}

/** Returns how many ranges more there are, between -2 and 2, if the partition is handed over. Redis clients read each of them. */
function addedRanges({ entries }: Draft, partition: number, { from, to }: HandOver): number {
  const added = (one: BootId | undefined) => Number(one === from) - Number(one === to);
  return added(entries[partition - 1]?.primary) + added(entries[partition + 1]?.primary);
}

/** A plan asks for few hand-overs, because each stops a partition for a moment. */
const MAX_CHAINS = 64;
