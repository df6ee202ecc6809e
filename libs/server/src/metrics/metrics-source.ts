import type { MaybePromise } from '@kvs/protocol';
import type { MetricFamily } from './metric-family.js';

/**
 * A part of the server with numbers of its own to show at `/metrics`. An app provides one under `METRICS_SOURCE`;
 * further ones are added with `ServerMetrics.add`.
 */
export interface MetricsSource {
  /**
   * The numbers of now; called at each scrape. Names and the sets of labels must be bounded: none that a client
   * chooses. What can't be told now is left out rather than thrown: a scrape that fails shows nothing at all.
   */
  collect(): MaybePromise<readonly MetricFamily[]>;
}
