import { collectDefaultMetrics, Registry } from 'prom-client';
import { readFamilies, type MetricFamily } from './metric-family.js';
import type { MetricsSource } from './metrics-source.js';

/**
 * Of the process: CPU, memory, event loop, garbage collection; under the names that prom-client gives them
 * everywhere. Measuring begins when it is first asked, so that a server which nobody watches pays nothing.
 */
export class ProcessMetrics implements MetricsSource {
  #registry: Registry | undefined;

  async collect(): Promise<MetricFamily[]> {
    this.#registry ??= observed();
    const families = readFamilies(await this.#registry.getMetricsAsJSON());
    // The one that prom-client would leave out of several processes' metrics: together they began with the first.
    return families.map((family) =>
      family.aggregator === 'omit' ? { ...family, aggregator: 'min' } : family,
    );
  }
}

function observed(): Registry {
  const register = new Registry();
  collectDefaultMetrics({ register });
  return register;
}
