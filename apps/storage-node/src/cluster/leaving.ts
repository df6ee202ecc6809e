import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterRole, MemberLog } from './cluster-role.js';

export interface Leaving {
  readonly role: Pick<ClusterRole, 'handOverAll' | 'countOnlyCopies' | 'countCopiesToRemove'>;
  /** How long the node waits until others have copies of pairs that it alone has, in milliseconds. */
  readonly leaveTimeoutMs: number;
  /** Returns for how long every request has failed because no proxy answers, in milliseconds; 0 if the last one was answered. */
  readonly unansweredMs: () => number;
  /** Returns the monotonic time in milliseconds. */
  readonly nowMs: () => number;
  readonly log: Pick<MemberLog, 'warn'>;
}

/**
 * Waits until other nodes have copies of pairs that are in the memory of this node alone, because they would be lost, and hands all
 * partitions over, as far as that is possible and a proxy answers. Then it waits until its copies are removed.
 */
export async function handOverEverything(leaving: Leaving): Promise<void> {
  const { role, unansweredMs, log } = leaving;
  // One proxy may stop together with this node, and the next one answers a moment later.
  const isUnanswered = (): boolean => unansweredMs() > UNANSWERED_MS;
  const left = await untilNothingIsLeft(leaving, isUnanswered);
  const reason = isUnanswered() ? ', because no proxy answers' : ' in time';
  if (left > 0) log.warn(`${left} partitions were not handed over${reason}`);
  const { count } = role.countOnlyCopies();
  if (count > 0)
    log.warn(`${count} partitions end with this process, because no other node has a copy of them`);
}

/** Returns how many partitions are left that another node could take. */
async function untilNothingIsLeft(
  { role, leaveTimeoutMs, nowMs }: Leaving,
  isUnanswered: () => boolean,
): Promise<number> {
  const begunMs = nowMs();
  // Each wait begins again after the one before it: a primary may die while this node waits until its copies are removed.
  let [handOverMs, removalMs] = [begunMs, begunMs];
  for (;;) {
    const left = role.handOverAll();
    const isCopying = role.countOnlyCopies().awaited > 0 && nowMs() - begunMs < leaveTimeoutMs;
    if (isCopying) handOverMs = nowMs();
    const isHandingOver = left > 0 && nowMs() - handOverMs < HAND_OVER_MS;
    if (isCopying || isHandingOver) removalMs = nowMs();
    const isRemoving = role.countCopiesToRemove() > 0 && nowMs() - removalMs < REMOVAL_MS;
    if (isUnanswered() || !(isCopying || isHandingOver || isRemoving)) return left;
    await delay(PAUSE_MS);
  }
}

/** Longer than the time-out of one request, so that a single one that fails does not end the wait. */
const UNANSWERED_MS = 2000;
const HAND_OVER_MS = 10_000;
/** The primaries learn of it with the answers to their reports. */
const REMOVAL_MS = 3000;
const PAUSE_MS = 20;
