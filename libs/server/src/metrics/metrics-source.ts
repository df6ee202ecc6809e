import type { MaybePromise } from '@kvs/protocol';
import type { MetricFamily } from './metric-family.js';

/** A part of the server with values for `GET /metrics`. */
export interface MetricsSource {
  /**
   * Returns the present values; called at each scrape. Labels must come from bounded sets, so no client may choose them. A
   * value that isn't known is left out; if this throws, the scrape shows nothing at all.
   */
  collect(): MaybePromise<readonly MetricFamily[]>;
}
