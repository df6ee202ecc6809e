import type { Rule } from './rules.js';
import { scenarioOf, type Fault, type Target } from './scenario.js';
import { simulate } from './simulation.js';
import { plain, play } from './testing/play.js';

/*
 * If one of these rules is switched off, the checks find it. The table in docs/cluster-simulation.md says how, and why others are
 * not found. Changes of the code shift what a seed does, so there are many more seeds than a rule needs.
 */
const MAX_SEEDS = 500;

it.each<Rule>(['R1', 'R2', 'R5', 'R6', 'R10', 'R12', 'R13', 'R15', 'R16'])(
  'one of the first seeds notices that %s is switched off',
  (rule) => {
    let kinds: string[] = [];
    for (let seed = 1; seed <= MAX_SEEDS && kinds.length === 0; seed++)
      kinds = simulate(scenarioOf(seed), { without: [rule] }).findings.map(({ kind }) => kind);
    expect(kinds).not.toEqual([]);
  },
);

const primary: Target = { role: 'primary', partition: 0 };

/** The options of {@link play} for a seed, perhaps without a rule. */
const runOf = (seed: number, faults: readonly Fault[], rule?: Rule) => ({
  seed,
  faults,
  operationsPerSecond: 12.5,
  without: rule === undefined ? [] : [rule],
});

it('does not serve after an isolation, although others acknowledge its beacons (R9)', () => {
  const faults = [10, 20, 30].map((s): Fault => {
    return { kind: 'isolate', node: primary, way: 'both', fromProxies: true, atMs: 1000 * s, forMs: 6000 };
  });
  const run = (seed: number, rule?: Rule) =>
    simulate({ ...plain, seed, faults }, { without: rule === undefined ? [] : [rule] }).findings.map(
      ({ kind }) => kind,
    );
  const seeds = Array.from({ length: 20 }, (_, i) => i + 1);
  expect(seeds.flatMap((seed) => run(seed))).toEqual([]);
  expect(seeds.some((seed) => run(seed, 'R9').includes('twoServe'))).toBe(true);
});

it('keeps the pairs of a copy that is removed after its primary has died (R17)', () => {
  const run = (seed: number, rule?: Rule) => {
    const crash = { kind: 'crash', node: primary, atMs: 12_200 + 100 * (seed % 10), forMs: 12_000 } as const;
    const faults: Fault[] = [
      { kind: 'isolate', node: primary, way: 'both', fromProxies: false, atMs: 10_000, forMs: 6000 },
      { kind: 'slowStore', atMs: 11_200, forMs: 4000 },
      crash,
    ];
    return play({ ...runOf(seed, faults, rule), scenario: { copies: 2 } });
  };
  const seeds = Array.from({ length: 60 }, (_, i) => i + 1);
  expect(seeds.flatMap((seed) => run(seed).findings)).toEqual([]);
  const isFound = (seed: number) => run(seed, 'R17').findings.some(({ kind }) => kind === 'drop');
  expect(seeds.some(isFound)).toBe(true);
});

it('leaves fewer writes unknown in hand-overs that are sealed (R14)', () => {
  const faults = Array.from({ length: 28 }, (_, i): Fault => {
    return { kind: 'handOver', partition: 0, to: i % 2, atMs: 8000 + 1000 * i, forMs: 50 };
  });
  const run = (seed: number, rule?: Rule) =>
    play({ ...runOf(seed, faults, rule), operationsPerSecond: 50, isSteady: true });
  const unknown = (rule?: Rule) =>
    Array.from({ length: 20 }, (_, i) => [...run(i + 1, rule).history.values()].flat())
      .flat()
      .filter(({ result }) => result === undefined).length;
  expect(unknown('R14')).toBeGreaterThan(2 * unknown());
});
