import { SteadyClock } from './steady-clock.js';

const START_MS = 1.7e12;
const DAY_MS = 86_400_000;

let nowMs: number;
let wallMs: number;
let jumps: number[];
let clock: SteadyClock;

beforeEach(() => {
  nowMs = 500;
  wallMs = START_MS;
  jumps = [];
  clock = new SteadyClock({ nowMs: () => nowMs, wallMs: () => wallMs }, (byMs) => void jumps.push(byMs));
});

/** A second passes, in which the clock is also set by so many milliseconds. */
function pass(setByMs = 0): number {
  nowMs += 1000;
  wallMs += 1000 + setByMs;
  return clock.nowMs() - START_MS;
}

it('follows the clock of the machine, with its small corrections', () => {
  expect([pass(), pass(4000), pass(-4500), pass(30)]).toEqual([1000, 6000, 2500, 3530]);
  expect(jumps).toEqual([]);
});

it('goes on without a jump ahead, and without the jump back', () => {
  expect([pass(), pass(DAY_MS), pass(), pass(-DAY_MS), pass()]).toEqual([1000, 2000, 3000, 4000, 5000]);
  expect(jumps).toEqual([DAY_MS, -DAY_MS]);
});

it('follows corrections also after a jump', () => {
  expect([pass(-DAY_MS), pass(200)]).toEqual([1000, 2200]);
});
