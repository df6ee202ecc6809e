import { MAX_TIME_MS, MAX_VERSION } from '@kvs/protocol';
import type { PlanInput } from './plan-input.js';

/**
 * Returns the ceiling of versions if it must rise, else undefined. Versions are at least the time in microseconds, so the
 * ceiling stays at least six days ahead of the time: so long, writes go on although nobody can change the topology. It also stays
 * ahead of every version that a node reports: a partition that starts after a loss has its versions raised to the ceiling. From
 * there, each write adds 1 at least, so half an hour is more than enough, and few such starts use up the versions. The ceiling
 * is set before the first partition is assigned, because a primary can't write without it.
 *
 * A reported version that is above the ceiling and above every time is passed over, because no node of the cluster can have given
 * it. The ceiling would follow it to the highest version of all, and a partition that starts there could never be written.
 */
export function versionCeilingFor({ topology, statuses, clusterTimeMs }: PlanInput): number | undefined {
  if (topology.nodes.length === 0) return undefined;
  const time = clusterTimeMs * MICROSECONDS;
  const possible = Math.max(topology.versionCeiling, MAX_TIME_MS * MICROSECONDS);
  const versions = [...statuses.values()].map(({ report }) => report?.highestVersion ?? 0);
  const highest = Math.max(0, ...versions.filter((version) => version <= possible));
  const least = Math.min(Math.max(time + 6 * DAY, highest + HOUR / 2), MAX_VERSION);
  if (topology.versionCeiling >= least) return undefined;
  return Math.min(Math.max(time + 7 * DAY, highest + HOUR), MAX_VERSION);
}

const MICROSECONDS = 1000;
const HOUR = 60 * 60 * 1000 * MICROSECONDS;
const DAY = 24 * HOUR;
