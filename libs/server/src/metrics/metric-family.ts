import type { MaybePromise } from '@kvs/protocol';
import type { Aggregator, Registry } from 'prom-client';

/**
 * A metric with its present values, as plain data that can be sent to another process and merged with that of other
 * processes. The shape is that of prom-client's `getMetricsAsJSON`.
 */
export interface MetricFamily {
  /** By the conventions of Prometheus: `kvs_`, words, the unit, `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** How the values of several processes become one. */
  readonly aggregator: Aggregator;
  readonly values: readonly MetricSample[];
}

const METRIC_TYPES = ['counter', 'gauge', 'histogram', 'summary'] as const;

export type MetricType = (typeof METRIC_TYPES)[number];

/** One value of a family, identified by its labels. */
export interface MetricSample {
  readonly value: number;
  readonly labels: MetricLabels;
  /** The name of the sample if it differs from the family's: `…_bucket`, `…_sum` and `…_count` of a histogram. */
  readonly metricName?: string;
}

export type MetricLabels = Readonly<Record<string, string | number>>;

/** A part of the server with values for `GET /metrics`. */
export interface MetricsSource {
  /**
   * Returns the present values; called at each scrape. Labels must come from bounded sets, so no client may choose them. A
   * value that isn't known is left out; if this throws, the scrape shows nothing at all.
   */
  collect(): MaybePromise<readonly MetricFamily[]>;
}

/** Returns a metric that only grows. The values of several processes are added. */
export function counter(name: `kvs_${string}_total`, help: string, values: Values): MetricFamily {
  return { name, help, type: 'counter', aggregator: 'sum', values: samplesOf(values) };
}

/** Returns a metric that goes up and down. The values of several processes are added by default. */
export function gauge(
  name: `kvs_${string}`,
  help: string,
  values: Values,
  aggregator: Aggregator = 'sum',
): MetricFamily {
  return { name, help, type: 'gauge', aggregator, values: samplesOf(values) };
}

/** One value without labels, or values with labels. */
type Values = number | readonly MetricSample[];

function samplesOf(values: Values): readonly MetricSample[] {
  return typeof values === 'number' ? [{ labels: {}, value: values }] : values;
}

/**
 * Returns the metrics of a registry of prom-client, without the samples that are not a number. The types of prom-client declare
 * the type of a metric as a number, but it is the word of the text format.
 */
export async function familiesIn(registry: Pick<Registry, 'getMetricsAsJSON'>): Promise<MetricFamily[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map(({ name, help, type, aggregator, values }) => {
    const known = METRIC_TYPES.find((each) => each === String(type));
    if (known === undefined) throw new TypeError(`${type} is no type of a metric`);
    return { name, help, type: known, aggregator, values: values.filter(isSample) };
  });
}

function isSample(given: { value: number; labels: Partial<MetricLabels> }): given is MetricSample {
  return !Number.isNaN(given.value) && !Object.values(given.labels).includes(undefined);
}
