import { LeaseClock } from './lease-clock.js';

describe('the clock of leases', () => {
  let monotonicMs = 5000;
  let wallMs = 1e12;
  const clock = new LeaseClock(
    () => monotonicMs,
    () => wallMs,
  );

  it.each([
    ['both clocks run', 100, 100, 100],
    ['the machine was suspended', 10, 60_000, 60_000],
    ['somebody sets the wall clock back', 100, -1e9, 100],
    ['somebody sets the wall clock ahead', 100, 1e9, 1e9],
    ['the wall clock is a little ahead', 100, 110, 100],
  ])('goes on when %s', (_, monotonic, wall, expected) => {
    const before = clock.nowMs();
    monotonicMs += monotonic;
    wallMs += wall;
    expect(clock.nowMs() - before).toBe(expected);
  });
});
