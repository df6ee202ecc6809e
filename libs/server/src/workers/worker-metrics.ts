import { merged } from '../metrics/exposition.js';
import type { MetricFamily } from '../metrics/metric-family.js';

/**
 * The metrics of all workers, as each last told them. What a worker that has died had counted stays in the sums, so that
 * no counter goes backwards; what it counted after it was last asked is lost with it.
 */
export class WorkerMetrics<W> {
  readonly #last = new Map<W, readonly MetricFamily[]>();
  #ofTheDead: readonly MetricFamily[] = [];

  update(worker: W, families: readonly MetricFamily[]): void {
    this.#last.set(worker, families);
  }

  async bury(worker: W): Promise<void> {
    const counted = (this.#last.get(worker) ?? []).filter(isCount);
    this.#last.delete(worker);
    const before = this.#ofTheDead;
    // Added up when it is there: until then, as it is, so that no page lacks it.
    const together = [...before, ...counted];
    this.#ofTheDead = together;
    const sums = await merged([before, counted]);
    if (this.#ofTheDead === together) this.#ofTheDead = sums;
  }

  /** One list for each process, living or not. */
  all(): readonly (readonly MetricFamily[])[] {
    return [...this.#last.values(), this.#ofTheDead];
  }
}

/** A gauge says what is now, and the dead have nothing now. */
function isCount({ type, aggregator }: MetricFamily): boolean {
  return (type === 'counter' || type === 'histogram') && aggregator === 'sum';
}
