import type { BootId, PartitionEntry } from '../topology.js';
import type { Draft } from './draft.js';
import { newestHolders, type Holder } from './holders.js';
import type { PlanNode } from './plan-node.js';
import { Successors } from './successors.js';

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

function isEnded(draft: Draft, copy: BootId): boolean {
  return draft.input.topology.ended.some(({ bootId }) => bootId === copy);
}

/** Copies ask to take over after half this time by themselves. */
const PROMOTE_AFTER_MS = 4000;
