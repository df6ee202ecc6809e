import { Inject, Injectable, Optional } from '@nestjs/common';
import { METRICS_SOURCE } from '../tokens.js';
import { exposition } from './exposition.js';
import type { MetricFamily } from './metric-family.js';
import type { MetricsSource } from './metrics-source.js';
import { ProcessMetrics } from './process-metrics.js';
import { RequestMetrics } from './request-metrics.js';

/** All that this process has to show at `/metrics`. */
@Injectable()
export class ServerMetrics {
  /** For whoever answers requests: each must be observed once. */
  readonly requests = new RequestMetrics();

  readonly #sources: MetricsSource[] = [this.requests];
  #page: () => Promise<string> = async () => exposition([await this.collect()]);

  constructor(@Optional() @Inject(METRICS_SOURCE) source?: MetricsSource) {
    if (source) this.add(source);
    this.add(new ProcessMetrics());
  }

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
