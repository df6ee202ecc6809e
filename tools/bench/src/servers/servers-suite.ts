import { describeMachine, reportOf, type Findings, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import type { CaseOptions, ServersCase } from './cases/case.js';
import { fullFetch } from './cases/full-fetch.js';
import { batches, latency, singleKey } from './cases/loads.js';
import { toChart } from './chart.js';
import { loadGenerator } from './load/load.js';
import { fullScale, quickScale } from './scale.js';

const cases: readonly ServersCase[] = [singleKey, latency, batches, fullFetch];

/** A proxy with two storage nodes, compared with bare servers and with another version of itself. */
export const serversSuite: Suite = {
  name: 'servers',
  description: 'a proxy with two storage nodes, compared with bare servers',
  cases: cases.map(({ name }) => name),
  documents: { goals: 'docs/performance.md', chart: 'docs/performance.svg' },
  chart: toChart,
  run: ({ quick, progress, cases: names, baseline }) => {
    const scale = quick ? quickScale : fullScale;
    return measureServers({ scale, generator: loadGenerator(), progress, baseline }, names);
  },
};

/** @param names the cases to measure; all of them if empty */
export async function measureServers(options: CaseOptions, names: readonly string[] = []): Promise<Report> {
  const parts: Findings[] = [];
  for (const { name, measure } of cases) {
    if (names.length === 0 || names.includes(name)) parts.push(await measure(options));
  }
  return reportOf('servers', parts, `${describeMachine()}; load by ${options.generator.name}`);
}
