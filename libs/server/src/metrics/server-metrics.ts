import { exposition } from './exposition.js';
import type { MetricFamily } from './metric-family.js';
import type { MetricsSource } from './metrics-source.js';
import { ProcessMetrics } from './process-metrics.js';

/** All that this process has to show at `/metrics`. */
export class ServerMetrics {
  readonly #sources: MetricsSource[] = [new ProcessMetrics()];
  #page: () => Promise<string> = async () => exposition([await this.collect()]);

  add(source: MetricsSource): void {
    this.#sources.push(source);
  }

  /** The numbers of this process. */
  async collect(): Promise<MetricFamily[]> {
    return (await Promise.all(this.#sources.map((source) => source.collect()))).flat();
  }

  /** The page that `/metrics` shows, in the text format of Prometheus. */
  page(): Promise<string> {
    return this.#page();
  }

  /** For a server of several processes: takes the page from where those of all are put together. */
  takePageFrom(page: () => Promise<string>): void {
    this.#page = page;
  }
}
