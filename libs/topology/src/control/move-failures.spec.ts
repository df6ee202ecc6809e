import { boot } from '../testing/planned-cluster.js';
import { MoveFailures } from './move-failures.js';

const MINUTE = 60_000;
const copy = boot('copy');

/** Returns for how many minutes a move is not tried after the last of these failures. */
function pauseAfter(...failedAtMs: readonly number[]): number {
  const failures = new MoveFailures();
  for (const nowMs of failedAtMs) failures.add({ partition: 1, copy, reason: 'it failed', atMs: 0 }, nowMs);
  let nowMs = failedAtMs.at(-1) ?? 0;
  const beginMs = nowMs;
  while (failures.isRecent(1, copy, nowMs)) nowMs += MINUTE / 2;
  return (nowMs - beginMs) / MINUTE;
}

it('the pause after a failed move doubles with each failure, up to ten minutes', () => {
  const failed = [0, 1, 2, 3, 4, 5, 6].map((minutes) => minutes * MINUTE);
  expect(failed.map((_, i) => pauseAfter(...failed.slice(0, i + 1)))).toEqual([0.5, 1, 2, 4, 8, 10, 10]);
});

it('the pause is short again if the last failure was long ago', () => {
  expect(pauseAfter(0, MINUTE, 2 * MINUTE, 13 * MINUTE)).toBe(4);
  expect(pauseAfter(0, MINUTE, 2 * MINUTE, 15 * MINUTE)).toBe(0.5);
});
