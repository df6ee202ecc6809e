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
 * partitions over, as far as that is possible and a proxy answers. Then it has the others go on without its copies.
 */
export async function handOverEverything({
  role,
  leaveTimeoutMs,
  unansweredMs,
  log,
}: Leaving): Promise<void> {
  const begunMs = performance.now();
  // One proxy may stop together with this node, and the next one answers a moment later.
  const isUnanswered = (): boolean => unansweredMs() > UNANSWERED_MS;
  let least = Infinity;
  for (let sinceMs = begunMs; ; await delay(PAUSE_MS)) {
    const left = role.handOverAll();
    const only = role.countOnlyCopies();
    const nowMs = performance.now();
    const isCopying = only.awaited > 0 && nowMs - begunMs < leaveTimeoutMs;
    if (isCopying || left < least) sinceMs = nowMs;
    least = Math.min(least, left);
    const isHandingOver = left > 0 && nowMs - sinceMs < HAND_OVER_MS;
    if ((isCopying || isHandingOver) && !isUnanswered()) continue;
    const reason = isUnanswered() ? ', because no proxy answers' : ' in time';
    if (left > 0) log.warn(`${left} partitions were not handed over${reason}`);
    if (only.count > 0)
      log.warn(`${only.count} partitions end with this process, because no other node has a copy of them`);
    break;
  }
  for (const sinceMs = performance.now(); !isUnanswered(); await delay(PAUSE_MS)) {
    if (role.releaseCopies() === 0 || performance.now() - sinceMs > RELEASE_MS) return;
  }
}

/** Longer than the time-out of one request, so that a single one that fails does not end the wait. */
const UNANSWERED_MS = 2000;
/** Since the last partition was handed over. */
const HAND_OVER_MS = 5000;
const RELEASE_MS = 2000;
const PAUSE_MS = 20;
