import { AggregatorRegistry, prometheusContentType } from 'prom-client';
import type { MetricFamily } from './metric-family.js';

/** The media type of {@link exposition}. */
export const EXPOSITION_TYPE: string = prometheusContentType;

/** The metrics of one or more processes as one page in the text format of Prometheus. */
export function exposition(processes: readonly (readonly MetricFamily[])[]): Promise<string> {
  return AggregatorRegistry.aggregate([...processes]).metrics();
}
