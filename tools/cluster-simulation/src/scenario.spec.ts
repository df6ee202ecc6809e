import { FAULTS_UNTIL_MS, scenarioOf } from './scenario.js';

it('gives the same scenario for the same seed, and others for others', () => {
  expect(scenarioOf(42)).toEqual(scenarioOf(42));
  expect(scenarioOf(43)).not.toEqual(scenarioOf(42));
});

it('ends every fault before the cluster is left to recover', () => {
  const faults = Array.from({ length: 50 }, (_, seed) => scenarioOf(seed).faults).flat();
  expect(new Set(faults.map(({ kind }) => kind)).size).toBeGreaterThan(10);
  for (const { atMs, forMs } of faults) expect(atMs + forMs).toBeLessThanOrEqual(FAULTS_UNTIL_MS);
});
