import type { ControlTimers } from './ports.js';

/**
 * The time of day of this machine, without its jumps. If somebody sets the clock of a machine, or it was suspended, all pairs with a
 * time to live shorter than the jump would expire at once. The corrections by which NTP keeps a clock right are small, so they count.
 */
export class SteadyClock {
  readonly #timers: Pick<ControlTimers, 'nowMs' | 'wallMs'>;
  readonly #jumped: (byMs: number) => void;
  #lastMs: number;
  #lastWallMs: number;
  /** The sum of the jumps, which do not count. */
  #jumpsMs = 0;

  /** @param jumped called with each jump: positive if the clock jumped ahead */
  constructor(timers: Pick<ControlTimers, 'nowMs' | 'wallMs'>, jumped: (byMs: number) => void) {
    this.#timers = timers;
    this.#jumped = jumped;
    this.#lastMs = timers.nowMs();
    this.#lastWallMs = timers.wallMs();
  }

  /** Returns milliseconds since 1970. Call it often: the corrections between two calls count as one. */
  nowMs(): number {
    const ms = this.#timers.nowMs();
    const wallMs = this.#timers.wallMs();
    const byMs = wallMs - this.#lastWallMs - (ms - this.#lastMs);
    this.#lastMs = ms;
    this.#lastWallMs = wallMs;
    if (Math.abs(byMs) > MAX_CORRECTION_MS) {
      this.#jumpsMs += byMs;
      this.#jumped(byMs);
    }
    return wallMs - this.#jumpsMs;
  }
}

const MAX_CORRECTION_MS = 5000;
