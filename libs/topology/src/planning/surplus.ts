import type { BootId, PartitionEntry } from '../topology.js';
import type { Draft } from './draft.js';
import type { PlanNode } from './plan-node.js';
import { precedes } from './rank.js';
import { Successors } from './successors.js';

/**
 * Has primaries remove copies that are one too many, or whose process is about to end. A copy that is one too many is not removed before
 * the partition has all its copies without it, so that a move never costs a copy. A primary that is one too many hands over first.
 */
export function removeSurplus(draft: Draft): void {
  const successors = new Successors();
  draft.entries.forEach((entry, partition) => {
    const ending = endingCopy(draft, entry);
    if (ending !== undefined && draft.isUnchanged(partition)) {
      draft.order(partition, { kind: 'remove', copy: ending });
      return;
    }
    chooseSurplus(draft, entry, partition);
    const inSync = draft.staying(partition).filter(({ bootId }) => bootId !== entry.learner);
    const surplus = entry.inSync.find((copy) => !inSync.some(({ bootId }) => bootId === copy));
    if (surplus === undefined || !draft.isUnchanged(partition)) return;
    const ready = inSync.filter(({ isUsable }) => isUsable);
    if (ready.length === 0 || ready.length < copiesNeeded(draft, surplus)) return;
    if (surplus !== entry.primary) {
      draft.order(partition, { kind: 'remove', copy: surplus });
      return;
    }
    const successor = successors.choose(
      ready.filter(({ bootId }) => !draft.input.isPaused(partition, bootId)),
    );
    if (successor !== undefined) draft.order(partition, { kind: 'handOver', to: successor.bootId });
  });
}

/**
 * Returns a copy whose process is about to end, and has handed all its partitions over. It is removed while it still acknowledges,
 * because otherwise writes would wait until the primary notices its end. If the primary
 * is about to end too, the copy stays: both may start again.
 */
function endingCopy(draft: Draft, { primary, inSync }: PartitionEntry): BootId | undefined {
  const server = draft.nodeOf(primary);
  if (server?.isReachable !== true || server.isLeaving) return undefined;
  return inSync.find((copy) => {
    const node = draft.nodeOf(copy);
    return node?.isReachable === true && node.isLeaving && node.primaries === 0;
  });
}

/** A draining node that is there keeps its copies if there are too few other nodes for all copies. */
function copiesNeeded(draft: Draft, surplus: BootId): number {
  return draft.nodeOf(surplus)?.isDraining === true ? draft.input.topology.copies : draft.wanted;
}

/**
 * Chooses the copies that are one too many among those that count: first of a node that leaves, then of a zone that has another,
 * then of a node above its share, rather not the primary, which would have to hand over, and of the fullest node.
 */
function chooseSurplus(draft: Draft, entry: PartitionEntry, partition: number): void {
  for (;;) {
    const staying = draft.staying(partition);
    if (staying.length <= draft.wanted) return;
    const isTwiceInZone = (one: PlanNode) => staying.filter(({ zone }) => zone === one.zone).length > 1;
    const rank = (node: PlanNode) => {
      const excess = node.copies - node.copyBounds.fair;
      const isAbove = Number(excess >= 0.5);
      const isCopy = Number(node.bootId !== entry.primary);
      return [Number(node.isLeaving), Number(isTwiceInZone(node)), isAbove, isAbove * isCopy, excess, isCopy];
    };
    const candidates = staying.filter(({ bootId }) => bootId !== entry.learner);
    const [first, ...others] = candidates;
    if (first === undefined) return;
    draft.markSurplus(
      partition,
      others.reduce((worst, node) => (precedes(rank(worst), rank(node)) ? node : worst), first),
    );
  }
}
