import { AggregatorRegistry, prometheusContentType } from 'prom-client';
import { readFamilies, type MetricFamily } from './metric-family.js';

/** The media type of {@link exposition}. */
export const EXPOSITION_TYPE: string = prometheusContentType;

/** Returns the metrics of one or more processes as a page in the text format of Prometheus. */
export function exposition(processes: readonly (readonly MetricFamily[])[]): Promise<string> {
  return AggregatorRegistry.aggregate([...processes]).metrics();
}

/** Merges the metrics of several processes. */
export async function merged(processes: readonly (readonly MetricFamily[])[]): Promise<MetricFamily[]> {
  return readFamilies(await AggregatorRegistry.aggregate([...processes]).getMetricsAsJSON());
}
