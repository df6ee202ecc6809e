/**
 * The time by which leases of this process end. The monotonic clock of some systems stands still while the machine is
 * suspended, and leases end nonetheless. So whenever the wall clock is found to have run ahead of the monotonic clock, the
 * difference counts as passed. If somebody only set the wall clock, leases end too early, which does no harm.
 */
export class LeaseClock {
  readonly #monotonicMs: () => number;
  readonly #wallMs: () => number;
  #lastMonotonicMs: number;
  #lastWallMs: number;
  #suspendedMs = 0;

  constructor(monotonicMs: () => number, wallMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#wallMs = wallMs;
    this.#lastMonotonicMs = monotonicMs();
    this.#lastWallMs = wallMs();
  }

  nowMs(): number {
    const monotonicMs = this.#monotonicMs();
    const wallMs = this.#wallMs();
    const aheadMs = wallMs - this.#lastWallMs - (monotonicMs - this.#lastMonotonicMs);
    // Less comes from rounding, and from the gentle correction of clocks.
    if (aheadMs > TOLERANCE_MS) this.#suspendedMs += aheadMs;
    this.#lastMonotonicMs = monotonicMs;
    this.#lastWallMs = wallMs;
    return monotonicMs + this.#suspendedMs;
  }
}

const TOLERANCE_MS = 50;
