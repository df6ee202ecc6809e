import type { PlanInput } from './plan.js';

/**
 * Returns the ceiling of versions if it must rise, else undefined. Versions are at least the time in microseconds, so the
 * ceiling stays at least six days ahead of the time: so long, writes go on although nobody can change the topology. It also stays
 * ahead of every version that a node reports: a partition that starts after a loss has its versions raised to the ceiling. From
 * there, each write adds 1 at least, so half an hour is more than enough, and few such starts use up the safe integers. The ceiling
 * is set before the first partition is assigned, because a primary can't write without it.
 */
export function versionCeilingFor({ topology, statuses, clusterTimeMs }: PlanInput): number | undefined {
  if (topology.nodes.length === 0) return undefined;
  const time = clusterTimeMs * MICROSECONDS;
  const highest = [...statuses.values()].reduce(
    (max, { report }) => Math.max(max, report?.highestVersion ?? 0),
    0,
  );
  if (topology.versionCeiling >= Math.max(time + 6 * DAY, highest + HOUR / 2)) return undefined;
  return Math.min(Math.max(time + 7 * DAY, highest + HOUR), Number.MAX_SAFE_INTEGER);
}

const MICROSECONDS = 1000;
const HOUR = 60 * 60 * 1000 * MICROSECONDS;
const DAY = 24 * HOUR;
