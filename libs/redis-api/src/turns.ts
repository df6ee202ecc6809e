import { setImmediate } from 'node:timers/promises';
import { isPromise, type MaybePromise } from '@kvs/protocol';

/** How long one client may keep all others waiting, because an engine can answer every command at once. */
export const MAX_TURN_MS = 8;

/** The time that a client has before others must get a turn. */
export class Turn {
  readonly #endMs = performance.now() + MAX_TURN_MS;

  /** Whether others must get a turn before this client goes on. Reads the clock. */
  get isOver(): boolean {
    return performance.now() >= this.#endMs;
  }
}

/** Runs something for each item, one after the other. At the end of each turn, others run first. */
export function inTurns<T>(items: Iterable<T>, run: (item: T) => MaybePromise<void>): MaybePromise<void> {
  const rest = items[Symbol.iterator]();
  /** Returns when to go on; undefined at the end. */
  const runTurn = (): Promise<void> | undefined => {
    const turn = new Turn();
    // A `for` of the iterator would end it when it is left.
    for (let next = rest.next(); next.done !== true; next = rest.next()) {
      const done = run(next.value);
      if (isPromise(done)) return done;
      if (turn.isOver) return setImmediate();
    }
    return undefined;
  };
  const runRest = async (until: Promise<void>): Promise<void> => {
    for (let next: Promise<void> | undefined = until; next !== undefined; next = runTurn()) await next;
  };
  const first = runTurn();
  return first && runRest(first);
}
