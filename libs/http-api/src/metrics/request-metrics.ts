import { counter, type MetricFamily, type MetricSample, type MetricsSource } from '@kvs/server';

/** The status of a request whose client disconnected before the answer, as in nginx. */
export const CLIENT_GONE_STATUS = 499;

/**
 * Counts requests and their durations, by method, route and status. One observation is a few lookups in small maps and two
 * additions; the rest is computed at each scrape.
 */
export class RequestMetrics implements MetricsSource {
  readonly #routesByMethod = new Map<string, Map<string, Map<number, Series>>>(
    [...METHODS, OTHER_METHOD].map((method) => [method, new Map()]),
  );

  /**
   * @param method as sent; rare methods count as `OTHER`
   * @param route a template such as `/keys/{key}`, never a path as sent
   * @param status of the answer; {@link CLIENT_GONE_STATUS} if none was sent
   * @param seconds from the request's arrival to the end of its answer
   */
  observe(method: string, route: string, status: number, seconds: number): void {
    const series =
      this.#routesByMethod.get(method)?.get(route)?.get(status) ?? this.#add(method, route, status);
    series.sum += seconds;
    let bucket = 0;
    // Most requests are in the first buckets.
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
  /** How many requests took longer than the previous bound and not longer than this one; the last has no bound. */
  readonly buckets: Float64Array;
}

const DURATION = 'kvs_http_request_duration_seconds';

/** The methods with a label of their own. Others share one, because clients may send any method. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];
const OTHER_METHOD = 'OTHER';

/** Upper bounds in seconds, from an answer from memory to a time-out of a node. */
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
