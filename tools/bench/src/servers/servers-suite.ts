import { resolve } from 'node:path';
import { describeMachine, reportOf, type Findings, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import type { CaseOptions, ServersCase } from './cases/case.js';
import { singleKey } from './cases/single-key.js';
import { wrk } from './load/wrk.js';
import { measureProfile } from './profile/measure-profile.js';
import { fullScale, quickScale } from './scale.js';

const cases: readonly ServersCase[] = [singleKey];

/** kvs as clients meet it: a proxy and storage nodes, beside bare servers and other stores. */
export const serversSuite: Suite = {
  name: 'servers',
  description: 'a proxy and storage nodes beside bare servers and other stores',
  cases: cases.map(({ name }) => name),
  canProfile: true,
  run: async ({ quick, progress, cases: names, profileDirectory }) => {
    const options = { scale: quick ? quickScale : fullScale, generator: wrk, progress };
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
