import { boot, PlannedCluster, reportOf } from '../testing/planned-cluster.js';
import type { Topology } from '../topology.js';
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

it('the speed of fills counts only senders that are heard', () => {
  let nowMs = 0;
  const reports = new NodeReports({
    timers: { nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined },
    log: { info: () => undefined, warn: () => undefined },
  });
  const speeds = [primary, primary, learner].map((bootId, second) => {
    nowMs = second === 2 ? 10_000 : second * 1000;
    reports.hear(
      bootId,
      reportOf(bootId, { timeMs: nowMs, fills: [{ partition: 0, learner, sentBytes: second * 500 }] }),
    );
    return reports.fillBytesPerSecond;
  });
  expect(speeds).toEqual([0, 500, 0]);
});
