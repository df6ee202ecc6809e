import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterRole } from './cluster-role.js';
import type { ControlPlaneClient } from './control-plane-client.js';

type Role = Pick<ClusterRole, 'topology' | 'learn'>;

/**
 * Learns each topology as soon as a proxy knows it, until the node ends. A node whose requests fail learns of topologies with its
 * reports.
 */
export async function followTopology(
  client: Pick<ControlPlaneClient, 'newerTopology'>,
  role: Role,
  ended: AbortSignal,
): Promise<void> {
  while (!ended.aborted) {
    const isAnswered = await learnNext(client, role, ended);
    if (!isAnswered) await delay(PAUSE_MS, undefined, { signal: ended }).catch(() => undefined);
  }
}

/** Returns whether a proxy answered as it should. */
async function learnNext(
  client: Pick<ControlPlaneClient, 'newerTopology'>,
  role: Role,
  ended: AbortSignal,
): Promise<boolean> {
  // Not the revision of the role, which may know single entries that are newer than its topology.
  const { revision = 0 } = role.topology ?? {};
  try {
    const answer = await client.newerTopology(revision, ended);
    if (answer === undefined) return true;
    role.learn(answer);
    return answer.topology.revision > revision;
  } catch {
    return false; // the next report says why
  }
}

/** After a failure. */
const PAUSE_MS = 1000;
