import { measureCases, type Case } from '../harness/case.js';
import { inChild } from '../harness/in-child.js';
import { reportOf, type Report, type ReportPart } from '../harness/report.js';
import type { Suite, SuiteOptions } from '../harness/suite.js';
import { measureBuiltAnew } from './built-anew.js';
import { measureConstruction } from './construction.js';
import { measureLookups } from './lookups.js';
import type { RingRunSize } from './run-size.js';
import { measureShares } from './shares.js';
import { measureStrategies } from './strategies.js';
import { measureThousandNodes } from './thousand-nodes.js';

/** The input of the process that measures. */
export type RingRequest = Pick<SuiteOptions, 'quick' | 'cases'>;

interface RingCaseOptions {
  readonly runSize: RingRunSize;
  readonly progress: (message: string) => void;
}

const ringCases: readonly Case<RingCaseOptions>[] = [
  ringCase('lookups', measureLookups),
  ringCase('construction', measureConstruction),
  ringCase('shares', measureShares),
  ringCase('strategies', measureStrategies),
  ringCase('built-anew', measureBuiltAnew),
  ringCase('thousand-nodes', measureThousandNodes),
];

/**
 * `@kvs/hash-ring` compared with other rings of npm, in a process that has loaded nothing else: with the Redis client of other
 * suites, each lookup took some 110 ns more with Node 20.20.2.
 */
export const ringSuite: Suite = {
  name: 'ring',
  description: '@kvs/hash-ring compared with hashring, consistent-hash, node-hashring and ketama',
  cases: ringCases.map(({ name }) => name),
  documents: { chart: 'docs/hash-ring-balance.svg' },
  run: ({ quick, cases }) => {
    const request: RingRequest = { quick, ...(cases && { cases }) };
    return inChild<Report>('ring/children/measure', request);
  },
};

export async function measureRing(options: RingCaseOptions, names?: readonly string[]): Promise<Report> {
  return reportOf('ring', await measureCases(ringCases, options, names));
}

function ringCase(
  name: string,
  measure: (runSize: RingRunSize, progress: RingCaseOptions['progress']) => ReportPart,
): Case<RingCaseOptions> {
  return {
    name,
    measure: async ({ runSize, progress }) => {
      progress(`${name}…`);
      return measure(runSize, progress);
    },
  };
}
