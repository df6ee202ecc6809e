import type { PartitionState, Replica } from '@kvs/replication';
import { counter, gauge, type MetricFamily, type MetricsSource } from '@kvs/server';

/** The parts of a cluster member that have figures. */
interface Measured {
  readonly replica: Pick<Replica, 'states' | 'fills' | 'removedCopies'> | undefined;
  readonly openLinks: number;
}

/** The partitions of a node of a cluster. A node by itself has none of these metrics. */
export function clusterMetrics(member: Measured): MetricsSource {
  return {
    collect(): MetricFamily[] {
      const { replica, openLinks } = member;
      if (replica === undefined) return [];
      const states = replica.states();
      return [
        gauge(
          'kvs_replication_partitions',
          'Partitions by the role of this node',
          ROLES.map((role) => ({
            labels: { role },
            value: states.filter((state) => state.role === role).length,
          })),
        ),
        gauge(
          'kvs_replication_serving_partitions',
          'Partitions that this node serves as primary',
          states.filter(({ isServing }) => isServing).length,
        ),
        gauge(
          'kvs_replication_lag',
          'Effects that the slowest copy of any partition of this node lacks',
          Math.max(0, ...states.map(({ lag }) => lag)),
        ),
        gauge(
          'kvs_replication_tail_bytes',
          'About how many bytes of effects are kept for other copies',
          states.reduce((sum, { tailBytes }) => sum + tailBytes, 0),
        ),
        gauge('kvs_replication_fills', 'Learners that this node fills', replica.fills().length),
        counter(
          'kvs_replication_removed_copies_total',
          'Copies that this node removed as their primary because they did not acknowledge in time',
          replica.removedCopies().map(({ node, count }) => ({ labels: { node }, value: count })),
        ),
        gauge('kvs_replication_links', 'Links to other nodes that are open', openLinks),
      ];
    },
  };
}

const ROLES: readonly PartitionState['role'][] = ['primary', 'copy', 'learner', 'none'];
