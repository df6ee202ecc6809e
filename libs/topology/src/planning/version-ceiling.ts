import type { PlanInput } from './plan.js';

/**
 * Returns the ceiling of versions if it must rise, else undefined. Versions are at least the time in microseconds, so the
 * ceiling stays at least half an hour ahead of the time and of every version that a node reports. The ceiling is set before the
 * first partition is assigned, because a primary can't write without it.
 */
export function versionCeilingFor({ topology, statuses, clusterTimeMs }: PlanInput): number | undefined {
  if (topology.nodes.length === 0) return undefined;
  const highest = [...statuses.values()].reduce(
    (max, { report }) => Math.max(max, report?.highestVersion ?? 0),
    clusterTimeMs * MICROSECONDS,
  );
  if (topology.versionCeiling >= highest + HEADROOM / 2) return undefined;
  return Math.min(highest + HEADROOM, Number.MAX_SAFE_INTEGER);
}

const MICROSECONDS = 1000;
/** One hour. */
const HEADROOM = 60 * 60 * 1000 * MICROSECONDS;
