import { MAX_TIME_MS } from '@kvs/protocol';
import { ClusterTime } from './cluster-time.js';

it('goes on without a jump of the clock, and the log says so', () => {
  let [nowMs, wallMs] = [0, 1e12];
  const lines: string[] = [];
  const time = new ClusterTime({
    timers: { nowMs: () => nowMs, wallMs: () => wallMs, after: () => () => undefined },
    log: { info: () => undefined, warn: (_, message) => void lines.push(message) },
  });
  nowMs += 1000;
  wallMs += 86_401_000;
  expect(time.nowMs()).toBe(1e12 + 1000);
  expect(lines).toEqual([
    'the clock of this machine jumped by 86400 s, which the time of the cluster ignores',
  ]);
});

it('stops at the latest time that there is', () => {
  let nowMs = 0;
  const timers = { nowMs: () => nowMs, wallMs: () => MAX_TIME_MS - 1 + nowMs, after: () => () => undefined };
  const time = new ClusterTime({ timers, log: { info: () => undefined, warn: () => undefined } });
  expect(time.nowMs()).toBe(MAX_TIME_MS - 1);
  nowMs = 5;
  expect(time.nowMs()).toBe(MAX_TIME_MS);
});
