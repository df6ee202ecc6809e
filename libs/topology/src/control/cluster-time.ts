import { MAX_TIME_MS } from '@kvs/protocol';
import type { ControlPorts } from './ports.js';
import { SteadyClock } from './steady-clock.js';

/** The time of the cluster as a proxy knows it: that of its own clock, or a later one that a node reported. It never goes back. */
export class ClusterTime {
  readonly #clock: SteadyClock;
  #latestMs = 0;

  constructor({ timers, log }: Pick<ControlPorts, 'timers' | 'log'>) {
    this.#clock = new SteadyClock(timers, (byMs) => {
      const seconds = Math.round(byMs / 1000);
      log.warn(
        { seconds },
        `the clock of this machine jumped by ${seconds} s, which the time of the cluster ignores`,
      );
    });
  }

  /** Returns milliseconds since 1970, at most {@link MAX_TIME_MS}. */
  nowMs(): number {
    this.raise(Math.min(Math.floor(this.#clock.nowMs()), MAX_TIME_MS));
    return this.#latestMs;
  }

  /** Notes the time of the cluster as another process knows it. */
  raise(timeMs: number): void {
    this.#latestMs = Math.max(this.#latestMs, timeMs);
  }
}
