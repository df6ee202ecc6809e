import { scenarioOf } from './scenario.js';
import { simulate } from './simulation.js';

/** How many seeds are run: fewer on a slow machine. */
const MOST_SEEDS = 300;
const LEAST_SEEDS = 100;
const ENOUGH_MS = 20_000;

it('keeps all promises under faults', () => {
  const startMs = Date.now();
  const happened = new Set<string>();
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const { findings, counts } = simulate(scenarioOf(seed));
    expect({ seed, findings }).toEqual({ seed, findings: [] });
    Object.keys(counts).forEach((what) => happened.add(what));
    if (seed >= LEAST_SEEDS && Date.now() - startMs > ENOUGH_MS) break;
  }
  expect([...happened]).toEqual(
    expect.arrayContaining(['promotions', 'copies added', 'copies removed', 'learners withdrawn']),
  );
});

it('runs a scenario twice in the same way', () => {
  const [first, second] = [7, 7].map((seed) => simulate(scenarioOf(seed), { trace: true }));
  expect(first?.trace.length).toBeGreaterThan(100);
  expect(second?.trace).toEqual(first?.trace);
});
