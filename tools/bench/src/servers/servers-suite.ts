import { measureCases, type Case } from '../harness/case.js';
import { describeMachine, reportOf, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import { fullFetch } from './cases/full-fetch.js';
import { batches, latency, singleKey } from './cases/loads.js';
import { toChart } from './chart.js';
import { loadGenerator } from './load/generators.js';
import { fullRun, quickRun, type ServersCaseOptions } from './run-size.js';

const cases: readonly Case<ServersCaseOptions>[] = [singleKey, latency, batches, fullFetch];

/** A proxy with two storage nodes, compared with bare servers and with another version of itself. */
export const serversSuite: Suite = {
  name: 'servers',
  description: 'a proxy with two storage nodes, compared with bare servers',
  cases: cases.map(({ name }) => name),
  documents: { goals: 'docs/performance.md', chart: 'docs/performance.svg' },
  run: ({ quick, progress, cases: names, baseline }) => {
    const runSize = quick ? quickRun : fullRun;
    return measureServers({ runSize, generator: loadGenerator(), progress, baseline }, names);
  },
};

/** @param names the cases to measure; all of them if empty */
export async function measureServers(
  options: ServersCaseOptions,
  names?: readonly string[],
): Promise<Report> {
  const parts = await measureCases(cases, options, names);
  const report = reportOf('servers', parts, `${describeMachine()}; load by ${options.generator.name}`);
  return { ...report, chart: toChart(report) };
}
