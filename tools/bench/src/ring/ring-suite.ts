import { measureCases, type Case } from '../harness/case.js';
import { reportOf, type Findings, type Report } from '../harness/report.js';
import type { Suite } from '../harness/suite.js';
import { measureBuiltAnew } from './built-anew.js';
import { measureConstruction } from './construction.js';
import { measureLookups } from './lookups.js';
import { fullScale, quickScale, type RingScale } from './scale.js';
import { measureShares } from './shares.js';
import { measureStrategies } from './strategies.js';
import { measureThousandNodes } from './thousand-nodes.js';

interface RingCaseOptions {
  readonly scale: RingScale;
  readonly progress: (message: string) => void;
}

const cases: readonly Case<RingCaseOptions>[] = [
  ringCase('lookups', measureLookups),
  ringCase('construction', measureConstruction),
  ringCase('shares', measureShares),
  ringCase('strategies', measureStrategies),
  ringCase('built-anew', measureBuiltAnew),
  ringCase('thousand-nodes', measureThousandNodes),
];

/** `@kvs/hash-ring` compared with other rings of npm. */
export const ringSuite: Suite = {
  name: 'ring',
  description: '@kvs/hash-ring compared with hashring, consistent-hash, node-hashring and ketama',
  cases: cases.map(({ name }) => name),
  documents: { chart: 'docs/hash-ring-balance.svg' },
  run: ({ quick, progress, cases: names }) =>
    measureRing({ scale: quick ? quickScale : fullScale, progress }, names),
};

export async function measureRing(options: RingCaseOptions, names?: readonly string[]): Promise<Report> {
  return reportOf('ring', await measureCases(cases, options, names));
}

function ringCase(
  name: string,
  measure: (scale: RingScale, progress: RingCaseOptions['progress']) => Findings,
): Case<RingCaseOptions> {
  return {
    name,
    measure: async ({ scale, progress }) => {
      progress(`${name}…`);
      return measure(scale, progress);
    },
  };
}
