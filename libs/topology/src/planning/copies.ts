import type { BootId, PartitionEntry } from '../topology.js';
import type { Draft } from './draft.js';
import { Peers } from './peers.js';
import type { PlanNode } from './plan-node.js';
import { leastBy } from './rank.js';

/** Withdraws learners that can't be filled: their process is gone or leaves, or the move failed. */
export function withdrawLearners(draft: Draft): void {
  draft.entries.forEach(({ learner }, partition) => {
    if (learner === undefined || !draft.isUnchanged(partition)) return;
    if (draft.nodeOf(learner)?.isUsable === true && !draft.input.isPaused(partition, learner)) return;
    draft.request(partition, { kind: 'withdrawLearner', learner });
  });
}

/**
 * Names learners for partitions with fewer copies than wanted. Those with the fewest copies come first. Copies of nodes that leave
 * count, because such a node may start again, but a partition that has no others is about to lose its pairs if they are in memory.
 */
export function fillGaps(draft: Draft): void {
  // With one copy, pairs in memory end with their process anyway.
  const mayMove = draft.input.topology.copies > 1;
  const isEnding = ({ isLeaving, node }: PlanNode) => isLeaving && !node.isDurable;
  const gaps = draft.entries
    .map((entry, partition) => {
      const staying = draft.staying(partition);
      const count = mayMove && staying.every(isEnding) ? 0 : staying.length;
      return { entry, partition, count };
    })
    .filter(
      ({ entry, partition, count }) =>
        (count === 0 || count < draft.wanted) && canMove(draft, entry, partition),
    )
    .sort((a, b) => a.count - b.count || a.partition - b.partition);
  if (gaps.length === 0) return;
  const peers = new Peers(draft);
  // Others don't take the share of a node that may come back or has just done so: they would have to give it back.
  const isWaiting = draft.nodes.some(
    ({ isReachable, isLeaving, hasReported, copyBounds }) =>
      (!isReachable || isLeaving || !hasReported) && copyBounds.fair > 0,
  );
  const hasRoom = ({ copies, copyBounds }: PlanNode) => !isWaiting || copies < Math.floor(copyBounds.fair);
  for (const { entry, partition, count } of gaps) {
    nameLearner(draft, peers, entry, partition, (node) => count === 0 || hasRoom(node));
  }
}

/** Names learners for partitions that have copies in fewer zones than they could. */
export function spreadZones(draft: Draft): void {
  const zones = new Set(draft.nodes.filter(({ copyBounds }) => copyBounds.fair > 0).map(({ zone }) => zone));
  const possible = Math.min(draft.wanted, zones.size);
  const crowded = [...draft.entries.entries()].filter(([partition, entry]) => {
    if (!canMove(draft, entry, partition) || draft.hasSurplus(partition)) return false;
    const staying = draft.staying(partition);
    return staying.length >= draft.wanted && countZones(staying) < possible;
  });
  if (crowded.length === 0) return;
  const peers = new Peers(draft);
  for (const [partition, entry] of crowded) {
    const used = new Set(draft.staying(partition).map(({ zone }) => zone));
    nameLearner(draft, peers, entry, partition, ({ zone }) => !used.has(zone));
  }
}

/** Moves copies from nodes above their shares to nodes below them. */
export function balanceCopies(draft: Draft): void {
  const isUneven = draft.nodes.some(
    ({ isKept, copies, copyBounds }) => isKept && (copies > copyBounds.upper || copies < copyBounds.lower),
  );
  if (!isUneven) return;
  const peers = new Peers(draft);
  const excess = ({ copies, copyBounds }: PlanNode) => copies - copyBounds.fair;
  const receivers = [...draft.usable];
  const donors = draft.nodes.filter(({ isKept }) => isKept);
  const held = new Map(donors.map((node) => [node, { asCopy: [] as number[], asPrimary: [] as number[] }]));
  draft.entries.forEach((entry, partition) => {
    if (!canMove(draft, entry, partition) || draft.hasSurplus(partition)) return;
    const staying = draft.staying(partition);
    if (staying.length !== draft.wanted) return;
    for (const node of staying)
      held.get(node)?.[node.bootId === entry.primary ? 'asPrimary' : 'asCopy'].push(partition);
  });
  // In turns, because the nodes that send the pairs should share the work.
  for (let isMoved = true; isMoved;) {
    isMoved = false;
    for (const donor of donors.sort((a, b) => excess(b) - excess(a))) {
      for (const receiver of receivers.sort((a, b) => excess(a) - excess(b))) {
        const mayMove = () =>
          (donor.copies > donor.copyBounds.upper && excess(receiver) <= -0.5) ||
          (receiver.copies < receiver.copyBounds.lower && excess(donor) >= 0.5);
        if (!mayMove()) continue;
        const { asCopy = [], asPrimary = [] } = held.get(donor) ?? {};
        const move = (partitions: readonly number[]) =>
          movePartitions(draft, peers, { donor, receiver, partitions, mayMove });
        // A donor has to hand over the partitions of which it is the primary.
        if (move(asCopy) || move(asPrimary)) isMoved = true;
      }
    }
  }
}

interface Move {
  readonly donor: PlanNode;
  readonly receiver: PlanNode;
  /** Partitions of the donor, some of which may move. */
  readonly partitions: readonly number[];
  readonly mayMove: () => boolean;
}

/**
 * Moves some partitions: first those whose primaries are peers of the receiver already, up to a stripe of each, then those of new
 * peers, also up to a stripe, and then any. Returns whether it moved any.
 */
function movePartitions(draft: Draft, peers: Peers, { donor, receiver, partitions, mayMove }: Move): boolean {
  const passes: readonly ((primary: BootId | undefined) => boolean)[] = [
    (primary) => peers.prefers(primary, receiver),
    (primary) => !peers.hasStripe(primary, receiver),
    () => true,
  ];
  let moved = 0;
  for (const isWelcome of passes) {
    for (const partition of partitions) {
      if (!mayMove() || moved === MOVES_PER_TURN) return moved > 0;
      const entry = draft.entries[partition];
      if (entry === undefined || !canMove(draft, entry, partition) || draft.hasSurplus(partition)) continue;
      if (!isWelcome(entry.primary) || !draft.hasRoomFor(partition, receiver)) continue;
      const staying = draft.staying(partition);
      const after = [...staying.filter((node) => node !== donor), receiver];
      if (countZones(after) < countZones(staying) || !canReceive(draft, partition, entry, receiver)) continue;
      draft.request(partition, { kind: 'nameLearner', learner: receiver.bootId });
      draft.markSurplus(partition, donor);
      peers.add(entry.primary, receiver);
      moved++;
    }
  }
  return moved > 0;
}

/** Names the node that suits best as learner. If that node is busy with other moves, the partition waits for it. */
function nameLearner(
  draft: Draft,
  peers: Peers,
  entry: PartitionEntry,
  partition: number,
  isAllowed: (node: PlanNode) => boolean,
): void {
  const best = bestReceiver(draft, peers, {
    primary: entry.primary,
    staying: draft.staying(partition),
    isAllowed: (node) => isAllowed(node) && canReceive(draft, partition, entry, node),
  });
  if (best === undefined || !draft.hasRoomFor(partition, best)) return;
  draft.request(partition, { kind: 'nameLearner', learner: best.bootId });
  peers.add(entry.primary, best);
}

interface Place {
  readonly primary: BootId | undefined;
  /** The nodes of the copies that the partition has. */
  readonly staying: readonly PlanNode[];
  readonly isAllowed: (node: PlanNode) => boolean;
}

/** Returns the node that suits best for one more copy: in another zone, a peer of the primary already, with few copies. */
export function bestReceiver(
  { nodes }: Draft,
  peers: Peers,
  { primary, staying, isAllowed }: Place,
): PlanNode | undefined {
  const allowed = nodes.filter(isAllowed);
  const load = ({ copies, copyBounds: { fair } }: PlanNode) => copies / fair;
  const least = Math.min(...allowed.map(load));
  const rank = (node: PlanNode) => {
    const inZone = staying.filter(({ zone }) => zone === node.zone).length;
    const shared = peers.shared(primary, node);
    const { fair, upper } = node.copyBounds;
    // Otherwise the last copies would find room only at nodes above their shares.
    const isFull = node.copies >= fair || node.copies - least * fair > upper - fair;
    const isPreferred = peers.prefers(primary, node) && !isFull;
    // First the longest stripe, so that neighboring partitions have their copies on the same nodes.
    return isPreferred ? [inZone, 0, -shared] : [inZone, 1, load(node), shared];
  };
  return leastBy(allowed, rank);
}

/** Returns whether a learner can be named for the partition now. */
function canMove(draft: Draft, entry: PartitionEntry, partition: number): boolean {
  return (
    draft.isUnchanged(partition) &&
    entry.learner === undefined &&
    draft.nodeOf(entry.primary)?.isReachable === true
  );
}

/** Returns whether the node can get a copy of the partition now. */
export function canReceive(draft: Draft, partition: number, entry: PartitionEntry, node: PlanNode): boolean {
  return (
    node.isUsable &&
    node.hasReported &&
    !entry.inSync.includes(node.bootId) &&
    !draft.input.isPaused(partition, node.bootId) &&
    draft.hasMemoryFor(partition, node)
  );
}

function countZones(nodes: readonly PlanNode[]): number {
  return new Set(nodes.map(({ zone }) => zone)).size;
}

const MOVES_PER_TURN = 64;
