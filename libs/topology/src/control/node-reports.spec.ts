import type { NodeReport } from '../control-plane/messages.js';
import { boot, PlannedCluster } from '../testing/planned-cluster.js';
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
  const reports = new NodeReports({ nowMs: () => nowMs, wallMs: () => nowMs, after: () => () => undefined });
  for (let second = 0; second < seconds; second++) {
    nowMs += 1000;
    const fills = [0, 1, 2].map((partition) => ({
      partition,
      learner,
      sentBytes: sentBytes(partition, second),
    }));
    const report: NodeReport = {
      clusterId: 'c',
      revision: 1,
      bootId: primary,
      wholeRevision: 1,
      timeMs: nowMs,
      isEnding: false,
      usedBytes: 0,
      freeBytes: undefined,
      highestVersion: 0,
      held: [],
      fills,
      failures: [],
    };
    reports.hear(primary, report);
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
