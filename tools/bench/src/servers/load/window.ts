import { createHistogram } from 'node:perf_hooks';
import type { Answer } from './socket-load.js';

/**
 * The answers of some time, one such time after the other. Waits are counted in a histogram to three figures: it runs
 * beside the load, which would have to wait while millions of them were sorted.
 */
export class AnswerWindow {
  #waits = newHistogram();
  #failed = 0;
  #startedAt = performance.now();

  /** For a `SocketLoad`. */
  readonly take = ({ status, waitMs }: Answer): void => {
    if (status === 200) this.#waits.record(Math.max(1, Math.round(waitMs * 1000)));
    else this.#failed++;
  };

  /** Requests answered by 200, so far. */
  get answered(): number {
    return this.#waits.count;
  }

  /** Requests answered otherwise, so far. */
  get failures(): number {
    return this.#failed;
  }

  /** What there was since it was opened or cut. */
  cut(): WindowOutcome {
    const now = performance.now();
    const { failures } = this;
    const waits = this.#waits;
    const startedAt = this.#startedAt;
    this.#waits = newHistogram();
    this.#failed = 0;
    this.#startedAt = now;
    // Nothing is no short wait: no goal is met by it.
    const waitMs = (percent: number): number => (waits.count === 0 ? NaN : waits.percentile(percent) / 1000);
    return {
      perSecond: (waits.count * 1000) / (now - startedAt),
      failures,
      p50Ms: waitMs(50),
      p99Ms: waitMs(99),
      p999Ms: waitMs(99.9),
    };
  }
}

export interface WindowOutcome {
  /** Requests that were answered by 200. */
  readonly perSecond: number;
  /** Requests that were answered otherwise. */
  readonly failures: number;
  /** Of those answered by 200. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** Of microseconds. */
function newHistogram() {
  return createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
}
