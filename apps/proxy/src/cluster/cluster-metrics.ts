import { counter, gauge, type MetricFamily, type MetricsSource } from '@kvs/server';
import type { ClusterControl } from '@kvs/topology';
import type { ClusterMember } from './cluster-member.js';

/**
 * The state of the cluster as this proxy knows it. Only the proxy that leads has all gauges. Each proxy counts failovers and failed
 * moves of its own. The count of lost partitions comes from the topology, so it is the same at all proxies.
 */
export function clusterMetrics(member: ClusterMember): MetricsSource {
  return { collect: () => (member.table.topology === undefined ? [] : familiesOf(member.control)) };
}

export function familiesOf(control: Pick<ClusterControl, 'status'>): MetricFamily[] {
  const { revision, nodes, partitions, moves } = control.status();
  const states = Object.entries(partitions).flatMap(([state, found]) =>
    found === null || typeof found === 'number' ? [] : [{ labels: { state }, value: found.count }],
  );
  const reachable = nodes.filter((node) => node.reachable === true).length;
  const isLeading = partitions.lost !== null;
  return [
    one('kvs_cluster_revision', 'Revision of the topology', revision),
    one('kvs_cluster_leads', 'Whether this proxy leads the cluster', isLeading ? 1 : 0),
    one('kvs_cluster_nodes', 'Nodes of the topology', nodes.length),
    one('kvs_cluster_reachable_nodes', 'Nodes that report', isLeading ? reachable : null),
    gauge('kvs_partitions', 'Partitions that are not as they should be', states),
    counter('kvs_failovers_total', 'Partitions that a copy took over after a failure', partitions.failovers),
    counter(
      'kvs_lost_partitions_total',
      'Partitions that started again without acknowledged writes',
      partitions.restarted_after_loss,
    ),
    one('kvs_moves_running', 'Copies that are being filled', moves.running),
    one('kvs_moves_bytes_per_second', 'Bytes of fills that nodes send', moves.bytes_per_second),
    counter('kvs_moves_failed_total', 'Moves that failed', moves.failed),
  ].flat();
}

/** Returns nothing for a value that this proxy does not know. */
function one(name: `kvs_${string}`, help: string, value: number | null): MetricFamily[] {
  return value === null ? [] : [gauge(name, help, value)];
}
