import { isRecord, type MaybePromise } from '@kvs/protocol';
import type { Aggregator } from 'prom-client';

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

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary';

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
 * Reads families from another process or from prom-client. Samples without a number are left out.
 *
 * @throws TypeError
 */
export function readFamilies(given: unknown): MetricFamily[] {
  if (!Array.isArray(given)) throw new TypeError('metrics are an array');
  return given.map(readFamily);
}

function readFamily(given: unknown): MetricFamily {
  if (!isRecord(given) || !Array.isArray(given['values'])) throw new TypeError('a metric has values');
  const { name, help, type, aggregator, values } = given;
  if (typeof name !== 'string' || typeof help !== 'string' || !isType(type) || !isAggregator(aggregator)) {
    throw new TypeError('a metric has a name, a help, a type and an aggregator');
  }
  return { name, help, type, aggregator, values: values.flatMap(readSample) };
}

function readSample(given: unknown): MetricSample[] {
  if (!isRecord(given)) throw new TypeError('a sample is an object');
  const { value, labels, metricName } = given;
  // JSON turns NaN and infinity into null.
  if (typeof value !== 'number' || Number.isNaN(value)) return [];
  const name = typeof metricName === 'string' ? { metricName } : undefined;
  return [{ value, labels: readLabels(labels), ...name }];
}

function readLabels(given: unknown): MetricLabels {
  if (!isRecord(given)) return {};
  const labels: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === 'string' || typeof value === 'number') labels[name] = value;
  }
  return labels;
}

const TYPES: readonly unknown[] = ['counter', 'gauge', 'histogram', 'summary'] satisfies MetricType[];
const AGGREGATORS: readonly unknown[] = [
  'omit',
  'sum',
  'first',
  'min',
  'max',
  'average',
] satisfies Aggregator[];

function isType(given: unknown): given is MetricType {
  return TYPES.includes(given);
}

function isAggregator(given: unknown): given is Aggregator {
  return AGGREGATORS.includes(given);
}
