import { quantile } from '../../harness/statistics.js';
import type { Answer } from './socket-load.js';

/** The answers of some time, one such time after the other. */
export class AnswerWindow {
  private waits: number[] = [];
  private failed = 0;
  private startedAt = performance.now();

  /** For a `SocketLoad`. */
  readonly take = ({ status, waitMs }: Answer): void => {
    if (status === 200) this.waits.push(waitMs);
    else this.failed++;
  };

  /** Requests answered by 200, so far. */
  get answered(): number {
    return this.waits.length;
  }

  /** Requests answered otherwise, so far. */
  get failures(): number {
    return this.failed;
  }

  /** What there was since it was opened or cut. */
  cut(): WindowOutcome {
    const now = performance.now();
    const { waits, failures, startedAt } = this;
    this.waits = [];
    this.failed = 0;
    this.startedAt = now;
    return {
      perSecond: (waits.length * 1000) / (now - startedAt),
      failures,
      p50Ms: quantile(waits, 0.5),
      p99Ms: quantile(waits, 0.99),
      p999Ms: quantile(waits, 0.999),
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
