import { resolve } from 'node:path';
import { describeMachine, reportOf, type Findings, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import type { CaseOptions, ServersCase } from './cases/case.js';
import { batches } from './cases/batches.js';
import { fullFetch } from './cases/full-fetch.js';
import { latency } from './cases/latency.js';
import { peers } from './cases/peers.js';
import { singleKey } from './cases/single-key.js';
import { soak } from './cases/soak.js';
import { stoppedNode } from './cases/stopped-node.js';
import { validation } from './cases/validation.js';
import { toChart } from './chart.js';
import { loadGenerator } from './load/generator.js';
import { measureProfile } from './profile/measure-profile.js';
import { fullScale, quickScale } from './scale.js';

const cases: readonly ServersCase[] = [
  singleKey,
  latency,
  batches,
  validation,
  fullFetch,
  stoppedNode,
  peers,
  soak,
];

/** kvs as clients meet it: a proxy and storage nodes, beside bare servers and other stores. */
export const serversSuite: Suite = {
  name: 'servers',
  description: 'a proxy and storage nodes beside bare servers and other stores',
  cases: cases.map(({ name }) => name),
  canProfile: true,
  chart: toChart,
  run: async ({ quick, progress, cases: names, profileDirectory, soakMinutes = 0 }) => {
    const scale = { ...(quick ? quickScale : fullScale), soakSeconds: Math.round(60 * soakMinutes) };
    const options = { scale, generator: loadGenerator(), progress };
    const found =
      profileDirectory === undefined
        ? await measureServers(options, names)
        : describe(options, [await measureProfile(options, resolve(profileDirectory))]);
    return { ...found, quick };
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
  return describe(options, parts);
}

function describe({ generator }: CaseOptions, parts: readonly Findings[]): Omit<Report, 'quick'> {
  return reportOf('servers', parts, `${describeMachine()}; load by ${generator.name}`);
}
