import { counter, gauge, type MetricFamily, type MetricsSource } from '@kvs/server';
import type { LinkServer } from '@kvs/node-link';

/** Counts the links of proxies and of other nodes, and the calls of proxies over them, because no HTTP metric does. */
export function linkMetrics(links: Pick<LinkServer, 'size' | 'counts'>): MetricsSource {
  return {
    collect(): MetricFamily[] {
      const { calls, refused } = links.counts;
      return [
        gauge('kvs_links', 'Links of proxies and of other nodes that are open', links.size),
        counter(
          'kvs_link_calls_total',
          'Calls that came over links and were begun',
          Object.entries(calls).map(([operation, value]) => ({ labels: { operation }, value })),
        ),
        counter('kvs_link_refusals_total', 'Calls over links that were refused before they began', refused),
      ];
    },
  };
}
