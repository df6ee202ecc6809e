import type { BootId } from '@kvs/topology';

/** Runs a turn of the event loop: calls `begin`, lets input be read, and calls `end`. */
export type RunTurn = (begin: () => void, end: () => void) => void;

interface Waiter {
  readonly done: () => void;
  /** How many whole turns it has waited. */
  turns: number;
}

/** The waits for the input of one process. */
interface Wait {
  /** Whether anything has come since the turn began. */
  hasInput: boolean;
  waiters: Waiter[];
}

/**
 * Waits until all earlier input of a process is handled. The messages of a process come over its own link, so the wait ends with a
 * turn in which nothing came from it, whatever others send. All waits for one process share their turns.
 */
export class InputWaits {
  readonly #runTurn: RunTurn;
  readonly #waits = new Map<string, Wait>();

  constructor(runTurn: RunTurn = runEventLoopTurn) {
    this.#runTurn = runTurn;
  }

  /** Input of a process has come, perhaps only a part of a message. */
  heard(from: string): void {
    const wait = this.#waits.get(from);
    if (wait !== undefined) wait.hasInput = true;
  }

  /** Calls back after a whole turn in which nothing came from the process, or after {@link MAX_TURNS}. */
  after(from: BootId, done: () => void): void {
    const waiter: Waiter = { done, turns: 0 };
    const wait = this.#waits.get(from);
    if (wait !== undefined) {
      wait.waiters.push(waiter);
      return;
    }
    const first: Wait = { hasInput: false, waiters: [waiter] };
    this.#waits.set(from, first);
    this.#wait(from, first);
  }

  #wait(from: BootId, wait: Wait): void {
    let present: Waiter[] = [];
    const begin = (): void => {
      wait.hasInput = false;
      // Input that has arrived before a later waiter may be read only in the next turn.
      present = wait.waiters.splice(0);
    };
    const end = (): void => {
      const over = new Set(present.filter((waiter) => !wait.hasInput || ++waiter.turns === MAX_TURNS));
      wait.waiters.unshift(...present.filter((waiter) => !over.has(waiter)));
      if (wait.waiters.length > 0) this.#wait(from, wait);
      else this.#waits.delete(from);
      for (const { done } of over) done();
    };
    this.#runTurn(begin, end);
  }
}

/** Input is read between a timer and the immediate that it sets. */
function runEventLoopTurn(begin: () => void, end: () => void): void {
  setTimeout(() => {
    begin();
    setImmediate(end);
  });
}

/** The process may send faster than this one reads. */
export const MAX_TURNS = 200;
