import { counter, type MetricFamily, type MetricsSource } from '@kvs/server';
import { Router } from '@kvs/router';
import { Inject, Injectable } from '@nestjs/common';

/** Counts this proxy's calls to its nodes, and their failures. */
@Injectable()
export class NodesMetrics implements MetricsSource {
  readonly #router: Router;

  constructor(@Inject(Router) router: Router) {
    this.#router = router;
  }

  collect(): MetricFamily[] {
    const tallies = this.#router.callsByNode();
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
  }
}
