import type { Draft } from './draft.js';
import { areNodesThere, ringOwner } from './first-assignment.js';
import type { PlanNode } from './plan-node.js';

/**
 * Gives every partition to its owner on the hash ring of the reachable nodes, for nodes that share one store. A partition that
 * changes its primary moves no pairs, and two nodes that serve it for a moment do no harm. So every difference is put right at
 * once, and a node that is silent for a short while loses its partitions until it is heard again.
 */
export function shareOut(draft: Draft): void {
  const isNew = draft.entries.some(({ primary }) => primary === undefined);
  if (isNew ? !areNodesThere(draft) : !hasListened(draft)) return;
  const heard = draft.reachable.filter((node) => isHeard(draft, node));
  const usable = heard.filter(({ isUsable }) => isUsable);
  // A draining node serves as well as any other, so it does as long as there is no other.
  const nodes = usable.length > 0 ? usable : heard;
  if (nodes.length === 0) {
    const awaited = draft.nodes.map(({ bootId }) => bootId);
    draft.entries.forEach((_, partition) => {
      draft.stalled.push({ partition, state: 'unavailable', awaited });
    });
    return;
  }
  const ownerOf = ringOwner(nodes);
  draft.entries.forEach(({ primary: instead }, partition) => {
    const primary = ownerOf(partition);
    if (primary !== instead) draft.request(partition, { kind: 'start', primary, instead, copies: [] });
  });
}

/** Whether all nodes could report to this controller. One that has only just begun knows of few. */
function hasListened({ input: { statuses, nowMs } }: Draft): boolean {
  return [...statuses.values()].some(({ firstHeardMs }) => nowMs - firstHeardMs > HEARD_MS);
}

function isHeard({ input: { statuses, nowMs } }: Draft, { bootId }: PlanNode): boolean {
  return nowMs - (statuses.get(bootId)?.lastHeardMs ?? -Infinity) <= HEARD_MS;
}

/** Nodes report every second, and one report may be late. */
const HEARD_MS = 2500;
