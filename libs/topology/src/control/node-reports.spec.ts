import { boot, PlannedCluster, reportOf } from '../testing/planned-cluster.js';
import type { BootId, Topology } from '../topology.js';
import { NodeReports } from './node-reports.js';

const [primary, learner] = [boot('primary'), boot('learner')];
const cluster = new PlannedCluster(1, [{ id: 'a' }]);
const partitions = cluster.topology.partitions.map((entry, partition) =>
  partition < 3 ? { epoch: 1, primary, inSync: [primary], learner } : entry,
);
const [node] = cluster.topology.nodes;
const topology: Topology = {
  ...cluster.topology,
  nodes: [primary, learner].flatMap((bootId) => (node === undefined ? [] : [{ ...node, bootId }])),
  partitions,
};

/** Returns how many moves have failed when fills have run for so many seconds. */
function failuresAfter(seconds: number, sentBytes: (partition: number, second: number) => number): number {
  let nowMs = 0;
  const timers = { nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined };
  const log = { info: () => undefined, warn: () => undefined };
  const reports = new NodeReports({ timers, log });
  for (let second = 0; second < seconds; second++) {
    nowMs += 1000;
    const fills = [0, 1, 2].map((partition) => ({
      partition,
      learner,
      sentBytes: sentBytes(partition, second),
    }));
    reports.hear(primary, reportOf(primary, { timeMs: nowMs, fills }));
    reports.forgetOthers(topology);
    reports.follow(topology);
  }
  return reports.failures.count;
}

it('the fills of a learner have failed if none of them goes on for a minute', () => {
  expect(failuresAfter(60, () => 7)).toBe(0);
  expect(failuresAfter(63, () => 7)).toBe(3);
});

it('fills that wait for another one have not failed', () => {
  expect(failuresAfter(200, (partition, second) => (partition === 0 ? second : 0))).toBe(0);
});

it.each<[string, (reports: NodeReports) => void]>([
  ['it began to lead again', (reports) => reports.forget()],
  ['they had ended', (reports) => reports.follow({ ...topology, partitions: cluster.topology.partitions })],
])('a proxy watches fills anew after %s', (_, meet) => {
  let nowMs = 0;
  const timers = { nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined };
  const reports = new NodeReports({ timers, log: { info: () => undefined, warn: () => undefined } });
  reports.follow(topology);
  meet(reports);
  nowMs = 100_000;
  reports.follow(topology);
  expect(reports.failures.count).toBe(0);
});

it('processes that are no nodes any more are forgotten, and what they said', () => {
  const timers = { nowMs: () => 0, wallMs: () => 0, after: () => () => undefined };
  const reports = new NodeReports({ timers, log: { info: () => undefined, warn: () => undefined } });
  const failures = [{ partition: 1, copy: boot('before'), reason: 'out of memory' }];
  for (const bootId of [boot('before'), learner])
    reports.hear(bootId, reportOf(bootId, { isLeaving: true, failures }));
  reports.forgetOthers(topology);
  expect([...reports.statuses.keys()]).toEqual([learner]);
  expect(reports.leaving).toEqual([learner]);
  expect(reports.failures.pausedCount(0)).toBe(0);
});

it('a process is silent after 3 s, and the time in which this process stood still does not count', () => {
  let nowMs = 0;
  const reports = new NodeReports({
    timers: { nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined },
    log: { info: () => undefined, warn: () => undefined },
  });
  const areHeard = () => [primary, learner].map((bootId) => reports.isHeard(bootId));
  for (const bootId of [primary, learner]) reports.hear(bootId);
  nowMs += 10_000;
  reports.noteRunning();
  expect(areHeard()).toEqual([true, true]);
  for (const endMs = nowMs + 3000; nowMs < endMs; nowMs += 1000) reports.hear(primary);
  reports.noteRunning();
  expect(areHeard()).toEqual([true, true]);
  nowMs += 1;
  expect(areHeard()).toEqual([true, false]);
});

it('the speed of fills counts only senders that are heard', () => {
  let nowMs = 0;
  const reports = new NodeReports({
    timers: { nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined },
    log: { info: () => undefined, warn: () => undefined },
  });
  const speedAfter = (second: number, bootId: BootId) => {
    nowMs = second * 1000;
    const fills = [{ partition: 0, learner, sentBytes: second * 500 }];
    reports.hear(bootId, reportOf(bootId, { timeMs: nowMs, fills: bootId === primary ? fills : [] }));
    return reports.fillBytesPerSecond;
  };
  const speeds = [primary, primary, learner, learner, learner, learner].map((bootId, second) =>
    speedAfter(second, bootId),
  );
  expect(speeds).toEqual([0, 500, 500, 500, 500, 0]);
});

it('the speed of fills counts the time in which this process stood still', () => {
  let nowMs = 0;
  const reports = new NodeReports({
    timers: { nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined },
    log: { info: () => undefined, warn: () => undefined },
  });
  for (nowMs of [0, 1000, 6000]) {
    const fills = [{ partition: 0, learner: boot('another'), sentBytes: nowMs / 2 }];
    for (const bootId of [primary, learner]) reports.hear(bootId, reportOf(bootId, { timeMs: nowMs, fills }));
  }
  expect(reports.fillBytesPerSecond).toBe(1000);
});
