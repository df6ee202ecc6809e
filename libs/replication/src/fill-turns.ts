import type { BootId } from '@kvs/topology';

/**
 * Lets few fills to each learner run at once; the others wait in the order in which they came. So one turn of the event loop
 * handles few pairs, however many partitions move, and fills end one after the other.
 */
export class FillTurns {
  readonly #fillsAtOnce: number;
  readonly #running = new Map<BootId, Set<() => void>>();
  readonly #waiting = new Map<BootId, Set<() => void>>();

  /** @param fillsAtOnce how many fills to one learner may run at once */
  constructor(fillsAtOnce: number) {
    this.#fillsAtOnce = fillsAtOnce;
  }

  /** Whether no fill runs. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Calls back once the fill may run: at once, or when another one leaves. */
  enter(learner: BootId, begin: () => void): void {
    fillsOf(this.#waiting, learner).add(begin);
    this.#advance(learner);
  }

  /** The fill has ended, or does not wait any more. May be called again. */
  leave(learner: BootId, begin: () => void): void {
    this.#waiting.get(learner)?.delete(begin);
    this.#running.get(learner)?.delete(begin);
    this.#advance(learner);
  }

  #advance(learner: BootId): void {
    const running = fillsOf(this.#running, learner);
    const waiting = fillsOf(this.#waiting, learner);
    for (const begin of waiting) {
      if (running.size >= this.#fillsAtOnce) return;
      waiting.delete(begin);
      running.add(begin);
      begin();
    }
    if (running.size > 0) return;
    this.#running.delete(learner);
    this.#waiting.delete(learner);
  }
}

function fillsOf(fills: Map<BootId, Set<() => void>>, learner: BootId): Set<() => void> {
  let found = fills.get(learner);
  if (found === undefined) {
    found = new Set();
    fills.set(learner, found);
  }
  return found;
}
