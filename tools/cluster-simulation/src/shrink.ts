import fc from 'fast-check';
import type { Rule } from './rules.js';
import { scenarios } from './scenario.js';
import { simulate } from './simulation.js';

/** Returns the smallest scenario that fast-check finds to fail like that of the seed, as JSON, with its first finding. */
export function shrink(seed: number, without: readonly Rule[]): string {
  const holds = fc.property(scenarios, (scenario) => simulate(scenario, { without }).findings.length === 0);
  const { counterexample } = fc.check(holds, { seed, numRuns: 1 });
  const scenario = counterexample?.[0];
  if (scenario === undefined) return 'the scenario does not fail any more';
  const [finding] = simulate(scenario, { without }).findings;
  return `${JSON.stringify(scenario)}\n${finding?.kind}: ${finding?.text}`;
}
