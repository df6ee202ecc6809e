import type { PlanInput } from './plan.js';

/**
 * Returns the ceiling of versions if it must rise, else undefined. Versions are at least the time in microseconds, so the
 * ceiling stays at least six days ahead of the time and of every version that a node reports: so long, writes go on although
 * nobody can change the topology. The ceiling is set before the first partition is assigned, because a primary can't write
 * without it.
 */
export function versionCeilingFor({ topology, statuses, clusterTimeMs }: PlanInput): number | undefined {
  if (topology.nodes.length === 0) return undefined;
  const highest = [...statuses.values()].reduce(
    (max, { report }) => Math.max(max, report?.highestVersion ?? 0),
    clusterTimeMs * MICROSECONDS,
  );
  if (topology.versionCeiling >= highest + HEADROOM - DAY) return undefined;
  return Math.min(highest + HEADROOM, Number.MAX_SAFE_INTEGER);
}

const MICROSECONDS = 1000;
const DAY = 24 * 60 * 60 * 1000 * MICROSECONDS;
/** A partition that starts after a loss has its versions raised by as much. Safe integers allow 10,000 such starts in a row. */
const HEADROOM = 7 * DAY;
