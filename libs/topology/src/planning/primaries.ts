import type { BootId } from '../topology.js';
import type { Draft } from './draft.js';
import type { PlanNode } from './plan-node.js';

/**
 * Evens out how many partitions each node is primary of, by hand-overs between copies in sync. If no copy of an overloaded node
 * has room, a chain of hand-overs reaches a node that has. O(hand-overs · (nodes + 4,096 · copies)).
 */
export function balancePrimaries(draft: Draft): void {
  for (let count = 0; count < MAX_CHAINS; count++) {
    const chain = findChain(draft);
    if (chain === undefined) return;
    for (const { partition, to } of chain) draft.order(partition, { kind: 'handOver', to });
    if (chain.some(({ partition }) => draft.isUnchanged(partition))) return; // a node has enough orders for now
  }
}

interface HandOver {
  readonly partition: number;
  readonly from: BootId;
  readonly to: BootId;
}

function findChain(draft: Draft): HandOver[] | undefined {
  const excess = ({ primaries, primaryBounds }: PlanNode) => primaries - primaryBounds.fair;
  const above = draft.usable.filter(({ primaries, primaryBounds }) => primaries > primaryBounds.upper);
  const below = draft.usable.filter(({ primaries, primaryBounds }) => primaries < primaryBounds.lower);
  if (above.length + below.length === 0) return undefined;
  const edges = handOversFrom(draft);
  for (const from of above.sort((a, b) => excess(b) - excess(a))) {
    const chain = shortestChain(draft, edges, [from], (node) => excess(node) <= -0.5);
    if (chain !== undefined) return chain;
  }
  const donors = draft.usable.filter((node) => excess(node) >= 0.5).sort((a, b) => excess(b) - excess(a));
  return shortestChain(draft, edges, donors, (node) => below.includes(node));
}

/** Returns one possible hand-over for each pair of nodes, by the node that would give a partition up. */
function handOversFrom(draft: Draft): Map<BootId, Map<BootId, HandOver>> {
  const edges = new Map<BootId, Map<BootId, HandOver>>();
  draft.entries.forEach((entry, partition) => {
    const from = entry.primary;
    if (from === undefined || entry.learner !== undefined) return;
    if (!draft.isUnchanged(partition) || draft.hasLeaving(partition)) return;
    for (const { bootId: to, isReachable } of draft.staying(partition)) {
      const others = edges.get(from) ?? new Map<BootId, HandOver>();
      if (to === from || !isReachable || others.has(to)) continue;
      if (draft.input.failedLately(partition, to)) continue;
      edges.set(from, others.set(to, { partition, from, to }));
    }
  });
  return edges;
}

/** Searches breadth-first from all of the donors. */
function shortestChain(
  draft: Draft,
  edges: ReadonlyMap<BootId, ReadonlyMap<BootId, HandOver>>,
  donors: readonly PlanNode[],
  isGoal: (node: PlanNode) => boolean,
): HandOver[] | undefined {
  const reached = new Map<BootId, HandOver | undefined>(donors.map(({ bootId }) => [bootId, undefined]));
  // The map grows during the loop, which then visits the new nodes too.
  for (const [bootId] of reached) {
    for (const handOver of edges.get(bootId)?.values() ?? []) {
      if (reached.has(handOver.to)) continue;
      reached.set(handOver.to, handOver);
      const node = draft.nodeOf(handOver.to);
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

/** A plan asks for few hand-overs, because each stops a partition for a moment. */
const MAX_CHAINS = 64;
