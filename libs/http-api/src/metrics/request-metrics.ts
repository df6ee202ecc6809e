import { counter, type MetricFamily, type MetricSample, type MetricsSource } from '@kvs/server';

/** The status that stands for an answer which the client did not wait for, as nginx has it. */
export const CLIENT_GONE_STATUS = 499;

/**
 * Counts requests and how long they took, by method, route and status. Made for a server's hot path: one observation
 * is two lookups in small maps and three additions. Everything that Prometheus wants besides is done when it asks.
 */
export class RequestMetrics implements MetricsSource {
  readonly #routesByMethod = new Map<string, Map<string, Map<number, Series>>>(
    [...METHODS, OTHER_METHOD].map((method) => [method, new Map()]),
  );

  /**
   * @param method as sent; the rare ones count as `OTHER`
   * @param route a template such as `/keys/{key}`, of a set that is fixed: never a path as sent
   * @param status of the answer; {@link CLIENT_GONE_STATUS} when none was sent
   * @param seconds from the request's arrival to the end of its answer
   */
  observe(method: string, route: string, status: number, seconds: number): void {
    const series =
      this.#routesByMethod.get(method)?.get(route)?.get(status) ?? this.#add(method, route, status);
    series.sum += seconds;
    let bucket = 0;
    // Few steps: most requests end in the first buckets.
    while (seconds > (BUCKETS[bucket] ?? Infinity)) bucket++;
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
  }

  collect(): MetricFamily[] {
    const all = this.#series().map((series) => ({ ...series, count: countOf(series) }));
    return [
      counter(
        'kvs_http_requests_total',
        'Requests answered',
        all.map(({ labels, count }) => ({ labels, value: count })),
      ),
      {
        name: DURATION,
        help: 'Time from the arrival of a request to the end of its answer',
        type: 'histogram',
        aggregator: 'sum',
        values: all.flatMap(durationSamples),
      },
    ];
  }

  #add(method: string, route: string, status: number): Series {
    const known = this.#routesByMethod.has(method) ? method : OTHER_METHOD;
    const routes = this.#routesByMethod.get(known) ?? new Map<string, Map<number, Series>>();
    const statuses = routes.get(route) ?? new Map<number, Series>();
    routes.set(route, statuses);
    const series = statuses.get(status) ?? {
      labels: { method: known, route, status },
      sum: 0,
      buckets: new Float64Array(BUCKETS.length + 1),
    };
    statuses.set(status, series);
    return series;
  }

  #series(): Series[] {
    return Array.from(this.#routesByMethod.values(), (routes) =>
      Array.from(routes.values(), (statuses) => [...statuses.values()]),
    ).flat(2);
  }
}

interface Series {
  readonly labels: { readonly method: string; readonly route: string; readonly status: number };
  sum: number;
  /** How many took longer than the bound before and not longer than their own; the last has no bound. */
  readonly buckets: Float64Array;
}

const DURATION = 'kvs_http_request_duration_seconds';

/** The methods that have a label of their own: a label that anyone may choose would have no bound. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const OTHER_METHOD = 'OTHER';

/** Upper bounds in seconds: from a request that is answered from memory to one that waits for a node until it times out. */
const BUCKETS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

function countOf({ buckets }: Series): number {
  return buckets.reduce((sum, count) => sum + count, 0);
}

function durationSamples({
  labels,
  sum,
  buckets,
  count,
}: Series & { readonly count: number }): MetricSample[] {
  let upTo = 0;
  const bounded = BUCKETS.map((le, i): MetricSample => {
    upTo += buckets[i] ?? 0;
    return { metricName: `${DURATION}_bucket`, labels: { ...labels, le }, value: upTo };
  });
  return [
    ...bounded,
    { metricName: `${DURATION}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${DURATION}_sum`, labels, value: sum },
    { metricName: `${DURATION}_count`, labels, value: count },
  ];
}
