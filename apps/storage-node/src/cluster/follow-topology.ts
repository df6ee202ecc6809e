import { setTimeout as delay } from 'node:timers/promises';
import { MAX_NEWS_WAIT_MS } from '@kvs/topology';
import type { ClusterRole } from './cluster-role.js';
import type { ControlPlaneClient } from './control-plane-client.js';

type Role = Pick<ClusterRole, 'topology' | 'learn'>;

/**
 * Learns each topology as soon as a proxy knows it, until the node ends. A node whose requests fail learns of topologies with its
 * reports.
 *
 * @param pause waits so long, or until the node ends
 */
export async function followTopology(
  client: Pick<ControlPlaneClient, 'newerTopology'>,
  role: Role,
  ended: AbortSignal,
  pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: ended }).catch(() => undefined),
): Promise<void> {
  while (!ended.aborted) {
    const pauseMs = await learnNext(client, role, ended);
    if (pauseMs > 0) await pause(pauseMs);
  }
}

/** Returns how long to wait before the next request. */
async function learnNext(
  client: Pick<ControlPlaneClient, 'newerTopology'>,
  role: Role,
  ended: AbortSignal,
): Promise<number> {
  // Not the revision of the role, which may know single entries that are newer than its topology.
  const { revision = 0 } = role.topology ?? {};
  const begunMs = performance.now();
  try {
    const answer = await client.newerTopology(revision, ended);
    // A proxy that stops, or at which too many requests wait, ends them early.
    if (answer === undefined) return performance.now() - begunMs < MAX_NEWS_WAIT_MS / 2 ? PAUSE_MS : 0;
    role.learn(answer);
    return answer.topology.revision > revision ? 0 : PAUSE_MS;
  } catch {
    return PAUSE_MS; // the next report says why
  }
}

/** Meanwhile, the node learns of topologies with its reports. */
const PAUSE_MS = 1000;
