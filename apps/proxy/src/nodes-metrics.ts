import type { Router } from '@kvs/router';
import { counter, type MetricsSource } from '@kvs/server';

/** Counts this proxy's calls to its nodes, and their failures. */
export function nodesMetrics(router: Pick<Router, 'callsByNode'>): MetricsSource {
  return {
    collect: () => {
      const tallies = router.callsByNode();
      return [
        counter(
          'kvs_node_calls_total',
          "Data operations' calls to storage nodes, repeated ones too",
          tallies.map(({ node, calls }) => ({ labels: { node }, value: calls })),
        ),
        counter(
          'kvs_node_failures_total',
          'Calls to storage nodes that failed',
          tallies.flatMap(({ node, failures }) =>
            Object.entries(failures).map(([failure, value]) => ({ labels: { node, failure }, value })),
          ),
        ),
      ];
    },
  };
}
