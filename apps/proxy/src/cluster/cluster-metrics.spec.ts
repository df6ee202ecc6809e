import type { ClusterStatus } from '@kvs/topology';
import { familiesOf } from './cluster-metrics.js';

const none = { count: 0, examples: [] };
const status: ClusterStatus = {
  cluster_id: 'c',
  revision: 7,
  copies: 2,
  min_in_sync: 1,
  leader: 'http://one',
  nodes: [],
  partitions: {
    unassigned: none,
    too_few_copies: { count: 3, examples: [1, 2, 3] },
    read_only: none,
    unavailable: none,
    lost: { count: 1, examples: [4] },
    failovers: 5,
    restarted_after_loss: 6,
  },
  moves: { running: 2, bytes_per_second: 1000, failed: 8, examples: [], failures: [] },
};

function samples(of: ClusterStatus): Record<string, number> {
  return Object.fromEntries(
    familiesOf({ status: () => of }).flatMap(({ name, values }) =>
      values.map(({ labels, value }) => [[name, ...Object.values(labels)].join(' '), value]),
    ),
  );
}

it('a proxy that leads shows partitions, failovers, losses and moves', () => {
  expect(samples(status)).toEqual({
    kvs_cluster_revision: 7,
    kvs_cluster_leads: 1,
    kvs_cluster_nodes: 0,
    kvs_cluster_reachable_nodes: 0,
    'kvs_partitions unassigned': 0,
    'kvs_partitions too_few_copies': 3,
    'kvs_partitions read_only': 0,
    'kvs_partitions unavailable': 0,
    'kvs_partitions lost': 1,
    kvs_failovers_total: 5,
    kvs_lost_partitions_total: 6,
    kvs_moves_running: 2,
    kvs_moves_bytes_per_second: 1000,
    kvs_moves_failed_total: 8,
  });
});

it('a proxy that leads tells how many nodes report', () => {
  const node = {
    id: 'n',
    address: 'n:1',
    zone: '',
    weight: 1,
    state: 'active' as const,
    boot_id: 'b',
    primaries: 0,
    copies: 0,
    wanted_copies: null,
    used_bytes: null,
    free_bytes: null,
  };
  const nodes = [true, false, true].map((reachable) => ({ ...node, reachable }));
  expect(samples({ ...status, nodes })).toMatchObject({
    kvs_cluster_nodes: 3,
    kvs_cluster_reachable_nodes: 2,
  });
});

it('a proxy that does not lead leaves out what it does not know, but not its counters', () => {
  const { partitions, moves } = status;
  const known = samples({
    ...status,
    partitions: { ...partitions, unavailable: null, lost: null },
    moves: { ...moves, bytes_per_second: null, failures: null },
  });
  expect(known['kvs_cluster_leads']).toBe(0);
  expect(Object.keys(known)).toEqual([
    'kvs_cluster_revision',
    'kvs_cluster_leads',
    'kvs_cluster_nodes',
    'kvs_partitions unassigned',
    'kvs_partitions too_few_copies',
    'kvs_partitions read_only',
    'kvs_failovers_total',
    'kvs_lost_partitions_total',
    'kvs_moves_running',
    'kvs_moves_failed_total',
  ]);
});
