import { exposition } from './exposition.js';
import type { MetricFamily, MetricsSource } from './metric-family.js';
import { ProcessMetrics } from './process-metrics.js';

/** The metrics of this process, and the page of `GET /metrics`. */
export class ServerMetrics {
  readonly #sources: MetricsSource[] = [new ProcessMetrics()];
  #page: () => Promise<string> = async () => exposition([await this.collect()]);

  add(source: MetricsSource): void {
    this.#sources.push(source);
  }

  /** Returns the metrics of this process. */
  async collect(): Promise<MetricFamily[]> {
    return (await Promise.all(this.#sources.map((source) => source.collect()))).flat();
  }

  /** Returns the page in the text format of Prometheus. */
  page(): Promise<string> {
    return this.#page();
  }

  /** Replaces the page of this process by one of several processes. */
  usePageOf(page: () => Promise<string>): void {
    this.#page = page;
  }
}
