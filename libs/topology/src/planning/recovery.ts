import { HashRing } from '@kvs/hash-ring';
import { ALL_PARTITIONS } from '@kvs/protocol';
import type { BootId, PartitionEntry } from '../topology.js';
import type { HeldPartition } from '../control-plane/messages.js';
import type { Draft } from './draft.js';
import type { PlanNode } from './plan-node.js';
import { bestReceiver, canReceive } from './copies.js';
import { Peers } from './peers.js';
import { ownersInRuns } from './runs.js';
import { Successors } from './successors.js';

/**
 * Gives every partition its first primary, once the nodes are there. If no node has pairs, each node gets a run of partitions.
 * Else the pairs of a fixed list of nodes stay where they are: a partition goes to the node that has pairs of it, or to the
 * owner by the hash ring. If several nodes have pairs of it, the newest position wins, and then the owner: the others may have
 * pairs from an earlier list. A partition of which no node has pairs begins with all its copies, because they are equal without
 * a fill.
 */
export function assignFirst(draft: Draft): void {
  if (draft.entries.every(({ primary }) => primary !== undefined) || !areNodesThere(draft)) return;
  const ownerOf = ringOwner(draft.usable);
  const holders = newestHolders(draft, ownerOf);
  const owners =
    holders.size === 0
      ? ownersInRuns(draft.usable)
      : ALL_PARTITIONS.map((partition) => [partition, ownerOf(partition)] as const);
  const peers = new Peers(draft);
  for (const [partition, owner] of owners) {
    const entry = draft.entries[partition];
    const holder = holders.get(partition)?.node;
    const primary = holder ?? draft.nodeOf(owner);
    if (primary === undefined || entry === undefined || entry.primary !== undefined) continue;
    const copies = holder === undefined ? firstCopies(draft, peers, { entry, partition, primary }) : [];
    for (const copy of copies) peers.add(primary.bootId, copy);
    draft.request(partition, {
      kind: 'start',
      primary: primary.bootId,
      instead: undefined,
      copies: copies.map(({ bootId }) => bootId),
    });
  }
}

/** Returns the owner of a partition by the hash ring of these nodes, which must not be empty. */
export function ringOwner(nodes: readonly PlanNode[]): (partition: number) => BootId {
  const ring = new HashRing(
    nodes.map(({ node: { id, weight }, bootId }) => ({ id, weight, data: { bootId } })),
  );
  return (partition) => ring.owner(partition).data.bootId;
}

interface FirstPlace {
  readonly entry: PartitionEntry;
  readonly partition: number;
  readonly primary: PlanNode;
}

function firstCopies(draft: Draft, peers: Peers, { entry, partition, primary }: FirstPlace): PlanNode[] {
  const chosen = [primary];
  while (chosen.length < draft.wanted) {
    const isAllowed = (node: PlanNode) => !chosen.includes(node) && canReceive(draft, partition, entry, node);
    const copy = bestReceiver(draft, peers, { primary: primary.bootId, staying: chosen, isAllowed });
    if (copy === undefined) break;
    chosen.push(copy);
  }
  return chosen.slice(1);
}

/** Returns whether all expected nodes have come and reported, and no other node came within the last moments. */
export function areNodesThere({ usable, reachable, missing, input }: Draft): boolean {
  const { statuses, topology, nowMs } = input;
  if (usable.length === 0 || missing.length > 0) return false;
  if (reachable.some(({ bootId }) => statuses.get(bootId)?.report === undefined)) return false;
  const agesMs = usable.map(({ bootId }) => nowMs - (statuses.get(bootId)?.firstHeardMs ?? nowMs));
  const isEnough = usable.length >= topology.copies || Math.max(...agesMs) >= ENOUGH_NODES_MS;
  return isEnough && Math.min(...agesMs) >= NEW_NODE_MS;
}

/**
 * Has a copy in sync take over from a primary that is out of reach. The copy decides whether it may serve: the old primary may
 * be alive, and only the proxies may have lost it.
 */
export function promoteCopies(draft: Draft): void {
  const successors = new Successors();
  draft.entries.forEach((entry, partition) => {
    const { primary, inSync } = entry;
    if (primary === undefined || !draft.isUnchanged(partition) || !isPrimaryGone(draft, primary)) return;
    const successor = successors.choose(
      inSync
        .flatMap((copy) => (copy === primary ? [] : (draft.nodeOf(copy) ?? [])))
        .filter(({ isReachable, isLeaving }) => isReachable && !isLeaving),
    );
    if (successor === undefined) return;
    draft.request(partition, { kind: 'promote', copy: successor.bootId, instead: primary });
  });
}

function isPrimaryGone(draft: Draft, primary: BootId): boolean {
  const node = draft.nodeOf(primary);
  if (node === undefined) return true;
  const { statuses, nowMs } = draft.input;
  const status = statuses.get(primary);
  const hasEnded = status?.report?.isEnding === true || isEnded(draft, primary);
  return hasEnded || status === undefined || nowMs - status.lastHeardMs > PROMOTE_AFTER_MS;
}

/**
 * Starts partitions again whose in-sync copies are all gone: from the newest older copy, if one is left; empty, if every process
 * that could have pairs has ended, and none of them kept its pairs in a directory. Acknowledged writes may be lost then.
 */
export function startLost(draft: Draft): void {
  const successors = new Successors();
  let holders: ReadonlyMap<number, Holder> | undefined;
  draft.entries.forEach((entry, partition) => {
    const { primary, inSync } = entry;
    if (primary === undefined || !draft.isUnchanged(partition)) return;
    if (inSync.some((copy) => draft.nodeOf(copy)?.isReachable === true)) return;
    const alive = inSync.filter((copy) => !isEnded(draft, copy));
    if (alive.length > 0) {
      draft.stalled.push({ partition, state: 'unavailable', awaited: alive });
      return;
    }
    holders ??= newestHolders(draft);
    const awaited = awaitedFor(draft, entry);
    const node = lostStart(draft, { awaited, holder: holders.get(partition), successors });
    if (node === undefined) draft.stalled.push({ partition, state: 'lost', awaited });
    else draft.request(partition, { kind: 'start', primary: node.bootId, instead: primary, copies: [] });
  });
}

interface LostPartition {
  readonly awaited: readonly BootId[];
  readonly holder: Holder | undefined;
  readonly successors: Successors;
}

/** Returns where a lost partition starts again; undefined if it has to wait. */
function lostStart(draft: Draft, { awaited, holder, successors }: LostPartition): PlanNode | undefined {
  if (draft.input.settings.whenLost === 'offline') return undefined;
  const { statuses, settings, nowMs } = draft.input;
  const isAwayFor = (copy: BootId) => nowMs - (statuses.get(copy)?.lastHeardMs ?? -Infinity);
  if (holder !== undefined) {
    // A node that is away may have a newer copy. It has the usual time to come back.
    const mayComeBack = awaited.some((copy) => isAwayFor(copy) <= settings.replaceAfterMs);
    return mayComeBack ? undefined : holder.node;
  }
  if (awaited.length > 0) return undefined;
  return successors.choose(draft.usable);
}

/**
 * Returns the processes that may have pairs of a lost partition and did not say so: directories, nodes that are away, and nodes
 * that did not know yet that they are no in-sync copies.
 */
function awaitedFor(draft: Draft, { inSync, epoch }: PartitionEntry): BootId[] {
  const directories = draft.input.topology.ended
    .filter(({ bootId, isDurable }) => isDurable && inSync.includes(bootId))
    .map(({ bootId }) => bootId);
  const away = draft.nodes
    .filter(({ bootId, isReachable }) => {
      const known = draft.input.statuses.get(bootId)?.report?.wholeRevision;
      const hasReported = known !== undefined && known >= epoch;
      return !(isReachable && hasReported) && !isEnded(draft, bootId);
    })
    .map(({ bootId }) => bootId);
  return [...directories, ...away];
}

interface Holder {
  readonly node: PlanNode;
  readonly position: HeldPartition['position'];
}

/**
 * Returns, by partition, the reachable process with the newest pairs among those that are not in sync. A draining node counts,
 * because its pairs may be the last ones. If it becomes primary, it is drained again.
 *
 * @param preferred returns which process it is if several have equally new pairs
 */
function newestHolders(
  { reachable, input }: Draft,
  preferred: (partition: number) => BootId | undefined = () => undefined,
): Map<number, Holder> {
  const newest = new Map<number, Holder>();
  for (const node of reachable) {
    for (const { partition, position } of input.statuses.get(node.bootId)?.report?.held ?? []) {
      const other = newest.get(partition)?.position;
      const lead = other === undefined ? 1 : compare(position, other);
      if (lead > 0 || (lead === 0 && preferred(partition) === node.bootId))
        newest.set(partition, { node, position });
    }
  }
  return newest;
}

/** Returns a positive number if the first position is newer, and 0 if they are equal. */
function compare(a: HeldPartition['position'], b: HeldPartition['position']): number {
  return a.epoch - b.epoch || a.number - b.number;
}

function isEnded(draft: Draft, copy: BootId): boolean {
  return draft.input.topology.ended.some(({ bootId }) => bootId === copy);
}

/** Copies ask to take over after half this time by themselves. */
const PROMOTE_AFTER_MS = 4000;
/** The first assignment waits until no node has come for so long. */
const NEW_NODE_MS = 2000;
/** After this time, the first assignment takes fewer nodes than there should be copies. */
const ENOUGH_NODES_MS = 10_000;
