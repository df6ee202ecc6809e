import { collectDefaultMetrics, Registry } from 'prom-client';
import { readFamilies, type MetricFamily, type MetricsSource } from './metric-family.js';

/**
 * CPU, memory, event loop and garbage collection of the process, with the usual names of prom-client. Measuring begins with
 * the first scrape, so that a server without scrapes pays nothing.
 */
export class ProcessMetrics implements MetricsSource {
  #registry: Registry | undefined;

  async collect(): Promise<MetricFamily[]> {
    this.#registry ??= startObserving();
    const families = readFamilies(await this.#registry.getMetricsAsJSON());
    // prom-client would leave the start time out of merged metrics. The earliest is that of the server.
    return families.map((family) =>
      family.aggregator === 'omit' ? { ...family, aggregator: 'min' } : family,
    );
  }
}

function startObserving(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
