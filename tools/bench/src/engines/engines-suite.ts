import { hasRedis } from '@kvs/kv-store-redis/testing';
import { measureCases, type Case } from '../harness/case.js';
import { describeMachine, reportOf, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import { bytes } from './bytes.js';
import { many } from './many.js';
import { fullRun, quickRun, type EnginesCaseOptions } from './run-size.js';
import { snapshots } from './snapshots.js';
import { speed } from './speed.js';

const cases: readonly Case<EnginesCaseOptions>[] = [speed, bytes, many, snapshots];

/** The storage engines, a Map and Redis, called directly. */
export const enginesSuite: Suite = {
  name: 'engines',
  description: 'the storage engines compared with a Map and Redis',
  cases: cases.map(({ name }) => name),
  documents: { goals: 'docs/performance.md' },
  run: ({ quick, progress, cases: names }) => {
    const runSize = quick ? quickRun : fullRun;
    return measureEngines({ runSize, withRedis: hasRedis(), progress }, names);
  },
};

/** @param names the cases to measure; all of them if empty */
export async function measureEngines(
  options: EnginesCaseOptions,
  names?: readonly string[],
): Promise<Report> {
  const { withRedis, progress } = options;
  if (!withRedis) progress(WITHOUT_REDIS);
  const parts = await measureCases(cases, options, names);
  const machine = describeMachine();
  return reportOf('engines', parts, withRedis ? machine : `${machine}; ${WITHOUT_REDIS}`);
}

const WITHOUT_REDIS = 'without redis, because redis-server is not on the PATH';
