import { boot } from '@kvs/topology/testing';
import { Leases, MAX_PEERS } from './leases.js';

const [a, b] = [boot('a'), boot('b')];
const answer = (sentAtMs: number, revision: number) => ({
  kind: 'beaconAnswer' as const,
  sentAtMs,
  timeMs: 1,
  revision,
  isFull: false,
});

describe('answers of processes that know more of the topology', () => {
  let leases: Leases;

  beforeEach(() => {
    leases = new Leases(2000);
  });

  it('are leases once this process knows as much', () => {
    leases.answered(a, answer(100, 5), true, 110);
    leases.answered(b, answer(100, 6), true, 110);
    expect([leases.caughtUp(4), leases.leaseUntilMs(a)]).toEqual([false, -Infinity]);
    expect([leases.caughtUp(5), leases.leaseUntilMs(a), leases.leaseUntilMs(b)]).toEqual([
      true,
      2100,
      -Infinity,
    ]);
    expect([leases.caughtUp(6), leases.leaseUntilMs(b)]).toEqual([true, 2100]);
    expect(leases.caughtUp(6)).toBe(false);
  });

  it('are leases although the process knows still more in its next answer', () => {
    leases.answered(a, answer(100, 5), true, 110);
    leases.answered(a, answer(200, 6), true, 210);
    expect([leases.caughtUp(5), leases.leaseUntilMs(a)]).toEqual([true, 2100]);
  });

  it('do not shorten a lease', () => {
    leases.answered(a, answer(100, 5), true, 110);
    leases.answered(a, answer(200, 4), false, 210);
    expect([leases.caughtUp(5), leases.leaseUntilMs(a)]).toEqual([true, 2200]);
  });

  it('are the last few of each process, in constant time, also if their revision never comes', () => {
    leases.answered(a, answer(1, 5), true, 1);
    leases.answered(b, answer(1, 5), true, 1);
    for (let i = 0; i < 300_000; i++) leases.answered(a, answer(1, Number.MAX_SAFE_INTEGER), true, 1);
    expect([leases.caughtUp(5), leases.leaseUntilMs(a), leases.leaseUntilMs(b)]).toEqual([
      true,
      -Infinity,
      2001,
    ]);
  });
});

it('acknowledgements are withheld until all partitions that were asked for have a later epoch', () => {
  const leases = new Leases(2000);
  leases.withhold(a, 7, 3);
  leases.withhold(a, 8, 3);
  leases.settle(7, 4);
  expect(leases.isWithheld(a)).toBe(true);
  leases.settle(8, 4);
  expect(leases.isWithheld(a)).toBe(false);
});

it('only so many processes are known', () => {
  const leases = new Leases(2000);
  for (let i = 0; i < MAX_PEERS; i++) {
    expect(leases.isFullFor(boot(`${i}`))).toBe(false);
    leases.heard(boot(`${i}`), 1);
  }
  expect([leases.isFullFor(boot('0')), leases.isFullFor(a)]).toEqual([false, true]);
});

it('processes without a part in the cluster are forgotten, unless a lease of them may still be valid', () => {
  const leases = new Leases(2000);
  const [late, withheld] = [boot('late'), boot('withheld')];
  for (const one of [a, b, late, withheld]) leases.acknowledged(one, one === late ? 5000 : 1000);
  leases.withhold(withheld, 7, 3);
  leases.forget((bootId) => bootId === a, 4000);
  expect([leases.size, leases.acknowledgedSince(0)]).toEqual([3, [a, late, withheld]]);
});
