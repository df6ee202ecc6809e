import { describeMachine, reportOf, type Findings, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import type { CaseOptions, ServersCase } from './cases/case.js';
import { singleKey } from './cases/single-key.js';
import { wrk } from './load/wrk.js';
import { fullScale, quickScale } from './scale.js';

const cases: readonly ServersCase[] = [singleKey];

/** kvs as clients meet it: a proxy and storage nodes, beside bare servers and other stores. */
export const serversSuite: Suite = {
  name: 'servers',
  description: 'a proxy and storage nodes beside bare servers and other stores',
  cases: cases.map(({ name }) => name),
  run: async ({ quick, progress, cases: names }) => {
    const options = { scale: quick ? quickScale : fullScale, generator: wrk, progress };
    return { ...(await measureServers(options, names)), quick };
  },
};

/** @param names the cases to measure; all of them when there are none */
export async function measureServers(
  options: CaseOptions,
  names: readonly string[] = [],
): Promise<Omit<Report, 'quick'>> {
  const parts: Findings[] = [];
  for (const { name, measure } of cases) {
    if (names.length === 0 || names.includes(name)) parts.push(await measure(options));
  }
  return reportOf('servers', parts, `${describeMachine()}; load by ${options.generator.name}`);
}
