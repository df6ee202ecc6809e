import type { Refusal } from './ports.js';
import { TOO_MANY, WAITED } from './refusals.js';
import { MAX_CALL_WAIT_MS } from './settings.js';

interface ParkedCall {
  readonly sinceMs: number;
  readonly retry: () => void;
  readonly refuse: (refusal: Refusal) => void;
}

/** Calls that wait while a partition is handed over (R14), or while copies lack much (R20). None of them was begun. */
export class ParkedCalls {
  readonly #calls: ParkedCall[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get isEmpty(): boolean {
    return this.#calls.length === 0;
  }

  park(retry: () => void, refuse: (refusal: Refusal) => void): void {
    if (this.#calls.length >= MAX_CALLS) refuse(TOO_MANY);
    else this.#calls.push({ sinceMs: this.#nowMs(), retry, refuse });
  }

  /**
   * Begins the calls in order, and refuses those that have waited for long, so that their callers try elsewhere.
   *
   * @param mayBegin returns whether the next call may begin: each call may use up what the others wait for
   */
  advance(mayBegin: () => boolean): void {
    const oldestMs = this.#nowMs() - MAX_CALL_WAIT_MS;
    for (let call = this.#calls[0]; call !== undefined; call = this.#calls[0]) {
      const begins = mayBegin();
      if (!begins && call.sinceMs >= oldestMs) return;
      this.#calls.shift();
      if (begins) call.retry();
      else call.refuse(WAITED);
    }
  }
}

const MAX_CALLS = 1000;
