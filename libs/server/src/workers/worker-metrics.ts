import { merged } from '../metrics/exposition.js';
import type { MetricFamily } from '../metrics/metric-family.js';

/**
 * The metrics that each worker last reported. The counters of a worker that ended stay in the sums, so that no counter goes
 * backwards; its counts since the last report are lost.
 */
export class WorkerMetrics<W> {
  readonly #last = new Map<W, readonly MetricFamily[]>();
  #retired: readonly MetricFamily[] = [];

  update(worker: W, families: readonly MetricFamily[]): void {
    this.#last.set(worker, families);
  }

  /** Adds the counters of a worker that ended to those of the workers that ended before. */
  async retire(worker: W): Promise<void> {
    const counted = (this.#last.get(worker) ?? []).filter(isCount);
    this.#last.delete(worker);
    const before = this.#retired;
    // Until the sums are there, the families stand side by side, so that no page lacks them.
    const unmerged = [...before, ...counted];
    this.#retired = unmerged;
    const sums = await merged([before, counted]);
    if (this.#retired === unmerged) this.#retired = sums;
  }

  /** Returns a list for each worker and one for all that ended. */
  all(): readonly (readonly MetricFamily[])[] {
    return [...this.#last.values(), this.#retired];
  }
}

/** Gauges tell the present state, and a worker that ended has none. */
function isCount({ type, aggregator }: MetricFamily): boolean {
  return (type === 'counter' || type === 'histogram') && aggregator === 'sum';
}
