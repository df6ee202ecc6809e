import type { PartitionState } from '@kvs/replication';
import { clusterMetrics } from './cluster-metrics.js';

const state: PartitionState = {
  partition: 7,
  role: 'primary',
  isServing: true,
  epoch: 3,
  position: { epoch: 3, number: 9 },
  tailBytes: 1000,
  lag: 4,
};

it('shows roles, what is served, the slowest copy, all tails, fills, removed copies and links', async () => {
  const states = [
    state,
    { ...state, partition: 8, isServing: false, lag: 6 },
    { ...state, partition: 9, role: 'copy' as const, isServing: false, tailBytes: 234, lag: 0 },
  ];
  const removedCopies = () => [
    { node: 'b', count: 3 },
    { node: 'c', count: 0 },
  ];
  const replica = { states: () => states, fills: () => [], removedCopies };
  const families = await clusterMetrics({ replica, openLinks: 2 }).collect();
  const [roles, ...others] = families;
  expect(roles?.values.map(({ labels, value }) => [labels['role'], value])).toEqual([
    ['primary', 2],
    ['copy', 1],
    ['learner', 0],
    ['none', 0],
  ]);
  expect(others.map(({ name, values }) => [name, values.map(({ value }) => value)])).toEqual([
    ['kvs_replication_serving_partitions', [1]],
    ['kvs_replication_lag', [6]],
    ['kvs_replication_tail_bytes', [2234]],
    ['kvs_replication_fills', [0]],
    ['kvs_replication_removed_copies_total', [3, 0]],
    ['kvs_replication_links', [2]],
  ]);
  expect(others[4]?.values.map(({ labels }) => labels)).toEqual([{ node: 'b' }, { node: 'c' }]);
});

it('shows nothing of a node by itself', async () => {
  expect(await clusterMetrics({ replica: undefined, openLinks: 0 }).collect()).toEqual([]);
});
