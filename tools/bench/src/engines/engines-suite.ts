import { hasRedis } from '@kvs/kv-store-redis/testing';
import { describeMachine, reportOf, type Findings, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import { measureMany } from './many.js';
import { measureMemory } from './memory.js';
import { measureOperations } from './operations.js';
import { withRedis } from './redis-server.js';
import { fullScale, quickScale, type EnginesScale } from './scale.js';
import { measureSnapshotStalls } from './snapshot-stalls.js';

/** The storage engines compared with each other, a Map, and a Redis client. */
export const enginesSuite: Suite = {
  name: 'engines',
  description: 'the storage engines compared with a Map and Redis',
  cases: ['single', 'batches', 'scans', 'bytes', 'many', 'snapshots'],
  run: ({ quick, progress, cases = [] }) => measureEngines(scaleOf(quick, cases), progress),
};

/** Returns the scale of some cases, or of all if none is given. */
function scaleOf(quick: boolean, cases: readonly string[]): EnginesScale {
  const scale = quick ? quickScale : fullScale;
  if (cases.length === 0) return scale;
  return {
    ...scale,
    batchSizes: scale.batchSizes.filter((size) => cases.includes(size === 1 ? 'single' : 'batches')),
    scanRounds: cases.includes('scans') ? scale.scanRounds : 0,
    shapes: cases.includes('bytes') ? scale.shapes : [],
    manyPairCount: cases.includes('many') ? scale.manyPairCount : 0,
    snapshots: cases.includes('snapshots') ? scale.snapshots : [],
  };
}

export async function measureEngines(
  scale: EnginesScale,
  progress: (message: string) => void,
  withServer: boolean = hasRedis(),
): Promise<Report> {
  if (!withServer) progress(WITHOUT_REDIS);
  const { batchSizes, scanRounds, shapes, manyPairCount, snapshots } = scale;
  const parts: Findings[] = [];
  if (batchSizes.length > 0 || scanRounds > 0)
    parts.push(
      withServer
        ? await withRedis((server) => measureOperations(scale, server, progress))
        : await measureOperations(scale, undefined, progress),
    );
  if (shapes.length > 0) parts.push(await measureMemory(scale, withServer, progress));
  if (manyPairCount > 0) parts.push(await measureMany(scale, progress));
  if (snapshots.length > 0) parts.push(await measureSnapshotStalls(scale, progress));
  const machine = describeMachine();
  return reportOf('engines', parts, withServer ? machine : `${machine}; ${WITHOUT_REDIS}`);
}

const WITHOUT_REDIS = 'without redis, because redis-server is not on the PATH';
