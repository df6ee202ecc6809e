import { gauge, type MetricFamily, type MetricsSource } from '@kvs/server';
import type { ClusterMember } from './cluster-member.js';

/** The state of the cluster as this proxy knows it. Only the proxy that leads has all families. */
export function clusterMetrics(member: ClusterMember): MetricsSource {
  return { collect: () => (member.routes.topology === undefined ? [] : familiesOf(member)) };
}

function familiesOf({ control }: ClusterMember): MetricFamily[] {
  const { revision, nodes, partitions, moves } = control.status();
  const one = (name: `kvs_${string}`, help: string, value: number | null): MetricFamily[] =>
    value === null ? [] : [gauge(name, help, [{ labels: {}, value }])];
  const states = Object.entries(partitions).flatMap(([state, found]) =>
    found === null || typeof found === 'number' ? [] : [{ labels: { state }, value: found.count }],
  );
  const reachable = nodes.filter((node) => node.reachable === true).length;
  const isLeading = partitions.lost !== null;
  return [
    ...one('kvs_cluster_revision', 'Revision of the topology', revision),
    ...one('kvs_cluster_leads', 'Whether this proxy leads the cluster', isLeading ? 1 : 0),
    ...one('kvs_cluster_nodes', 'Nodes of the topology', nodes.length),
    ...one('kvs_cluster_reachable_nodes', 'Nodes that report', isLeading ? reachable : null),
    gauge('kvs_cluster_partitions', 'Partitions that are not as they should be', states),
    ...one('kvs_cluster_moves', 'Copies that are being filled', moves.running),
    ...one('kvs_cluster_move_bytes_per_second', 'Bytes of fills that nodes send', moves.bytes_per_second),
    ...one(
      'kvs_cluster_lost_partitions_started',
      'Partitions started again without acknowledged writes since this proxy began to lead',
      partitions.restarted_after_loss,
    ),
  ];
}
