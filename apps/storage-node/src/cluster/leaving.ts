import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterRole, MemberLog } from './cluster-role.js';

export interface Leaving {
  readonly role: Pick<ClusterRole, 'handOverAll' | 'countOnlyCopies' | 'countCopiesToRemove'>;
  /** How long the node waits until others have copies of pairs that it alone has, in milliseconds. */
  readonly leaveTimeoutMs: number;
  /**
   * Returns for how long no process has listened where the proxies were, in milliseconds. A proxy that is busy, or that waits for its
   * store, may still answer in time.
   */
  readonly proxiesGoneMs: () => number;
  /** Returns the monotonic time in milliseconds. */
  readonly nowMs: () => number;
  readonly log: Pick<MemberLog, 'warn'>;
}

/**
 * Waits until other nodes have copies of pairs that are in the memory of this node alone, because they would be lost, and hands all
 * partitions over, as far as that is possible and a proxy runs. Then it waits until its copies are removed.
 */
export async function handOverEverything(leaving: Leaving): Promise<void> {
  const { role, proxiesGoneMs, log } = leaving;
  const hasNoProxy = (): boolean => proxiesGoneMs() > NO_PROXY_MS;
  const left = await untilNothingIsLeft(leaving, hasNoProxy);
  const reason = hasNoProxy() ? ', because no proxy runs' : ' in time';
  if (left > 0) log.warn(`${left} partitions were not handed over${reason}`);
  const { count } = role.countOnlyCopies();
  if (count > 0)
    log.warn(`${count} partitions end with this process, because no other node has a copy of them`);
}

/** Returns how many partitions are left that another node could take. */
async function untilNothingIsLeft(
  { role, leaveTimeoutMs, nowMs }: Leaving,
  hasNoProxy: () => boolean,
): Promise<number> {
  const begunMs = nowMs();
  // Each wait begins again after the one before it: a primary may die while this node waits until its copies are removed.
  let [handOverSinceMs, removalSinceMs] = [begunMs, begunMs];
  for (;;) {
    const left = role.handOverAll();
    const isCopying = role.countOnlyCopies().awaited > 0 && nowMs() - begunMs < leaveTimeoutMs;
    if (isCopying) handOverSinceMs = nowMs();
    const isHandingOver = left > 0 && nowMs() - handOverSinceMs < HAND_OVER_MS;
    if (isCopying || isHandingOver) removalSinceMs = nowMs();
    const isRemoving = role.countCopiesToRemove() > 0 && nowMs() - removalSinceMs < REMOVAL_MS;
    if (hasNoProxy() || !(isCopying || isHandingOver || isRemoving)) return left;
    await delay(PAUSE_MS);
  }
}

/** A proxy that stops together with this node may start again, or another one answers a moment later. */
const NO_PROXY_MS = 2000;
const HAND_OVER_MS = 10_000;
/** The primaries learn of it with the answers to their reports. */
const REMOVAL_MS = 3000;
const PAUSE_MS = 20;
