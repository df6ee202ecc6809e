import { MAX_TIME_MS } from '@kvs/protocol';
import { MICROS_PER_MS, microsToMs, type Clock } from './clock.js';

/**
 * The time of a cluster, on one node. All copies of a pair expire by it, though the system clocks of their machines may
 * differ by years. The node is told the time of the cluster when it joins. The time then advances with the monotonic clock of
 * the process, and every later time that another node tells raises it. It never goes back, and stops at {@link MAX_TIME_MS}.
 *
 * Until the first time is told, the clock stands at 1 µs, so that nothing expires.
 */
export class ClusterClock implements Clock {
  readonly #monotonicMs: () => number;
  /** The time of the cluster minus the monotonic time; undefined until the first time is told. */
  #offsetMicros: number | undefined;

  /** @param monotonicMs returns milliseconds since some moment, perhaps with a fraction, and never goes back */
  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  nowMicros(): number {
    if (this.#offsetMicros === undefined) return 1;
    return Math.min(this.#monotonicMicros() + this.#offsetMicros, MAX_MICROS);
  }

  /** Returns whole milliseconds since the Unix epoch. */
  nowMs(): number {
    return microsToMs(this.nowMicros());
  }

  /** Sets the clock to a time of the cluster in milliseconds since the Unix epoch. An earlier time than its own changes nothing. */
  raise(timeMs: number): void {
    const micros = Math.min(timeMs * MICROS_PER_MS, MAX_MICROS);
    if (this.#offsetMicros !== undefined && micros <= this.nowMicros()) return;
    this.#offsetMicros = micros - this.#monotonicMicros();
  }

  #monotonicMicros(): number {
    return Math.floor(this.#monotonicMs() * MICROS_PER_MS);
  }
}

const MAX_MICROS = MAX_TIME_MS * MICROS_PER_MS;
