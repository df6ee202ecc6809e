import { boot, PlannedCluster } from '../testing/planned-cluster.js';
import { MoveFailures } from './move-failures.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const copy = boot('copy');

/** Returns for how many seconds a move is not tried after the last of these failures. */
function pauseAfter(...failedAtMs: readonly number[]): number {
  const failures = new MoveFailures();
  for (const nowMs of failedAtMs) failures.add({ partition: 1, copy, reason: 'it failed', atMs: 0 }, nowMs);
  let nowMs = failedAtMs.at(-1) ?? 0;
  const beginMs = nowMs;
  while (failures.isPaused(1, copy, nowMs)) nowMs += SECOND;
  return (nowMs - beginMs) / SECOND;
}

it('the pause after a failed move doubles with each failure, up to ten minutes', () => {
  const failed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((minutes) => minutes * MINUTE);
  const pauses = failed.map((_, i) => pauseAfter(...failed.slice(0, i + 1)));
  expect(pauses).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 600]);
});

it('the pause is short again if the last failure was long ago', () => {
  expect(pauseAfter(0, MINUTE, 2 * MINUTE, 12 * MINUTE)).toBe(16);
  expect(pauseAfter(0, MINUTE, 2 * MINUTE, 13 * MINUTE)).toBe(2);
});

it('the pause is short again if the copy was made since, but a copy that is to be removed keeps its pause', () => {
  const failures = new MoveFailures();
  const { topology } = new PlannedCluster(2, [{ id: 'a' }]);
  const copy = topology.nodes[0]?.bootId ?? boot('none');
  const inSync = { epoch: 1, primary: copy, inSync: [copy], learner: undefined };
  const made = { ...topology, partitions: topology.partitions.map(() => inSync) };
  const add = (nowMs: number) => failures.add({ partition: 1, copy, reason: 'it failed', atMs: 0 }, nowMs);
  add(0);
  add(0);
  failures.follow(made, 3000);
  expect([failures.isPaused(1, copy, 3999), failures.pausedCount(3999), failures.pausedCount(4000)]).toEqual([
    true,
    1,
    0,
  ]);
  failures.follow(made, 4000);
  add(5000);
  expect([failures.isPaused(1, copy, 6999), failures.isPaused(1, copy, 7000)]).toEqual([true, false]);
});
