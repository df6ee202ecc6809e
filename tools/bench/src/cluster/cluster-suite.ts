import { loadavg } from 'node:os';
import { measureCases, type Case } from '../harness/case.js';
import { describeMachine, reportOf, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import { loadGenerator } from '../servers/load/generators.js';
import { copies } from './cases/copies.js';
import { drain } from './cases/drain.js';
import { join } from './cases/join.js';
import { kill } from './cases/kill.js';
import { storeAway } from './cases/store-away.js';
import { fullRun, quickRun, type ClusterCaseOptions } from './run-size.js';

const cases: readonly Case<ClusterCaseOptions>[] = [copies, kill, drain, join, storeAway];

/** The cost of two copies, and the service of a cluster that has them while nodes come, go and die. */
export const clusterSuite: Suite = {
  name: 'cluster',
  description: 'the cost of copies, and the service of a cluster while nodes come, go and die',
  cases: cases.map(({ name }) => name),
  documents: { goals: 'docs/performance.md' },
  run: ({ quick, progress, cases: names }) =>
    measureCluster({ runSize: quick ? quickRun : fullRun, generator: loadGenerator(), progress }, names),
};

/** @param names the cases to measure; all of them if empty */
export async function measureCluster(
  options: ClusterCaseOptions,
  names?: readonly string[],
): Promise<Report> {
  const [load = NaN] = loadavg();
  const parts = await measureCases(cases, options, names);
  const machine = `${describeMachine()}; load by ${options.generator.name}; load average ${load.toFixed(1)} before the run`;
  return reportOf('cluster', parts, machine);
}
