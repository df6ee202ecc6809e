import { hasRedis } from '@kvs-tools/local-cluster';
import { describeMachine, reportOf, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import { measureMany } from './many.js';
import { measureMemory } from './memory.js';
import { measureOperations } from './operations.js';
import { withRedis } from './redis-server.js';
import { fullScale, quickScale, type EnginesScale } from './scale.js';
import { measureSnapshotStalls } from './snapshot-stalls.js';

/** The storage engines beside each other, a bare Map, and Redis without us. */
export const enginesSuite: Suite = {
  name: 'engines',
  description: 'the storage engines beside each other, a bare Map and redis',
  run: async ({ quick, progress }) => {
    return { ...(await measureEngines(quick ? quickScale : fullScale, progress)), quick };
  },
};

export async function measureEngines(
  scale: EnginesScale,
  progress: (message: string) => void,
  withServer: boolean = hasRedis(),
): Promise<Omit<Report, 'quick'>> {
  if (!withServer) progress(WITHOUT_REDIS);
  const operations = withServer
    ? await withRedis((server) => measureOperations(scale, server, progress))
    : await measureOperations(scale, undefined, progress);
  const parts = [
    operations,
    await measureMemory(scale, withServer, progress),
    await measureMany(scale, progress),
    await measureSnapshotStalls(scale, progress),
  ];
  const machine = describeMachine();
  return reportOf('engines', parts, withServer ? machine : `${machine}; ${WITHOUT_REDIS}`);
}

const WITHOUT_REDIS = 'without redis, for redis-server is not on the PATH';
