import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterRole, MemberLog } from './cluster-role.js';

export interface Leaving {
  readonly role: ClusterRole;
  /** How long the node waits until others have copies of pairs that it alone has, in milliseconds. */
  readonly leaveTimeoutMs: number;
  /** Returns for how long every request has failed because no proxy answers, in milliseconds; 0 if the last one was answered. */
  readonly unansweredMs: () => number;
  readonly log: MemberLog;
}

/**
 * Waits until other nodes have copies of pairs that are in the memory of this node alone, because they would be lost, and hands all
 * partitions over, as far as that is possible within {@link HAND_OVER_MS} and a proxy answers.
 */
export async function handOverEverything({
  role,
  leaveTimeoutMs,
  unansweredMs,
  log,
}: Leaving): Promise<void> {
  const begunMs = performance.now();
  for (let sinceMs = begunMs; ;) {
    const left = role.handOverAll();
    const only = role.countOnlyCopies();
    const nowMs = performance.now();
    // One proxy may stop together with this node, and the next one answers a moment later.
    const isUnanswered = unansweredMs() > UNANSWERED_MS;
    const isCopying = only.awaited > 0 && nowMs - begunMs < leaveTimeoutMs;
    if (isCopying) sinceMs = nowMs;
    const isHandingOver = left > 0 && nowMs - sinceMs < HAND_OVER_MS;
    if ((isCopying || isHandingOver) && !isUnanswered) {
      await delay(PAUSE_MS);
      continue;
    }
    const reason = isUnanswered ? ', because no proxy answers' : ' in time';
    if (left > 0) log.warn(`${left} partitions were not handed over${reason}`);
    if (only.count > 0)
      log.warn(`${only.count} partitions end with this process, because no other node has a copy of them`);
    return;
  }
}

/** Longer than the time-out of one request, so that a single one that fails does not end the wait. */
const UNANSWERED_MS = 2000;
const HAND_OVER_MS = 5000;
const PAUSE_MS = 20;
