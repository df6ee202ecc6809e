import type { Registry } from 'prom-client';
import { familiesIn, type MetricFamily, type MetricsSource } from './metric-family.js';

/**
 * CPU, memory, event loop and garbage collection of the process, with the usual names of prom-client. Measuring begins with
 * the first scrape, so that a server without scrapes pays nothing.
 */
export class ProcessMetrics implements MetricsSource {
  #registry: Promise<Registry> | undefined;

  async collect(): Promise<MetricFamily[]> {
    this.#registry ??= startObserving();
    const families = await familiesIn(await this.#registry);
    // prom-client would leave the start time out of merged metrics. The earliest is that of the server.
    return families.map((family) =>
      family.aggregator === 'omit' ? { ...family, aggregator: 'min' } : family,
    );
  }
}

async function startObserving(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
