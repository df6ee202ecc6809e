import type { Registry } from 'prom-client';
import { familiesIn, type MetricFamily } from './metric-family.js';

/** The media type of {@link exposition}. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Returns the metrics of one or more processes as a page in the text format of Prometheus. */
export async function exposition(processes: readonly (readonly MetricFamily[])[]): Promise<string> {
  return (await aggregate(processes)).metrics();
}

/** Merges the metrics of several processes. */
export async function merged(processes: readonly (readonly MetricFamily[])[]): Promise<MetricFamily[]> {
  return familiesIn(await aggregate(processes));
}

/** Loads prom-client, which a server without scrapes does not need. */
async function aggregate(processes: readonly (readonly MetricFamily[])[]): Promise<Registry> {
  const { AggregatorRegistry } = await import('prom-client');
  return AggregatorRegistry.aggregate([...processes]);
}
