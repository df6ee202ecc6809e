import { MAX_TIME_MS } from '@kvs/protocol';
import fc from 'fast-check';
import { ClusterClock } from './cluster-clock.js';

const TOLD_MS = 1_700_000_000_000;

let monotonicMs = 0;
let clock: ClusterClock;

beforeEach(() => {
  monotonicMs = 5000.25;
  clock = new ClusterClock(() => monotonicMs);
});

describe('the clock of a cluster', () => {
  it('stands still at the start of 1970 until it is told a time', () => {
    expect(clock.nowMicros()).toBe(1);
    monotonicMs += 60_000;
    expect(clock.nowMicros()).toBe(1);
  });

  it('advances with the monotonic clock from the time that it is told', () => {
    clock.raise(TOLD_MS);
    expect(clock.nowMs()).toBe(TOLD_MS);
    monotonicMs += 1.5;
    expect(clock.nowMicros()).toBe(TOLD_MS * 1000 + 1500);
  });

  it('is raised by a later time, and not set back by an earlier one', () => {
    clock.raise(TOLD_MS);
    clock.raise(TOLD_MS + 10);
    expect(clock.nowMs()).toBe(TOLD_MS + 10);
    clock.raise(TOLD_MS);
    expect(clock.nowMs()).toBe(TOLD_MS + 10);
    monotonicMs += 1;
    expect(clock.nowMs()).toBe(TOLD_MS + 11);
  });

  it('never goes back, is never behind a time that it was told, and runs as fast as the monotonic clock', () => {
    const step = fc.record({
      passedMs: fc.double({ min: 0, max: 5000, noNaN: true }),
      toldMs: fc.nat(20_000),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const fresh = new ClusterClock(() => monotonicMs);
        fresh.raise(TOLD_MS);
        for (const { passedMs, toldMs } of steps) {
          const before = fresh.nowMicros();
          monotonicMs += passedMs;
          const passed = fresh.nowMicros() - before;
          expect(Math.abs(passed - passedMs * 1000)).toBeLessThanOrEqual(1);
          fresh.raise(TOLD_MS + toldMs);
          expect(fresh.nowMs()).toBeGreaterThanOrEqual(TOLD_MS + toldMs);
          expect(fresh.nowMicros()).toBeGreaterThanOrEqual(before + passed);
          expect(Number.isSafeInteger(fresh.nowMicros())).toBe(true);
        }
      }),
    );
  });

  it.each([MAX_TIME_MS, MAX_TIME_MS + 1, Number.MAX_SAFE_INTEGER])(
    'stops at the latest time, told %d',
    (toldMs) => {
      clock.raise(toldMs);
      expect(clock.nowMicros()).toBe(1000 * MAX_TIME_MS);
      monotonicMs += 60_000;
      expect(clock.nowMicros()).toBe(1000 * MAX_TIME_MS);
    },
  );

  it('runs by the clock of the process if none is given', () => {
    const own = new ClusterClock();
    own.raise(TOLD_MS);
    expect(own.nowMs() - TOLD_MS).toBeGreaterThanOrEqual(0);
  });
});
