import type { Run } from './simulation.js';

/** Counts what many runs did, so that a reader sees whether they tried anything. */
export class Summary {
  readonly #startMs = Date.now();
  readonly #totals = new Map<string, number>();
  #runs = 0;
  #failed = 0;

  add({ findings, counts }: Run): void {
    this.#runs++;
    if (findings.length > 0) this.#failed++;
    for (const [name, count] of Object.entries(counts))
      this.#totals.set(name, (this.#totals.get(name) ?? 0) + count);
  }

  line(): string {
    const seconds = (Date.now() - this.#startMs) / 1000;
    const totals = [...this.#totals].map(([name, count]) => `${count} ${name}`).join(', ');
    return `${this.#runs} seeds, ${this.#failed} with findings, in ${seconds.toFixed(1)} s: ${totals}`;
  }
}
