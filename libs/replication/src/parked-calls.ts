import type { Refusal } from './ports.js';
import { TOO_MANY, WAITED } from './refusals.js';

interface ParkedCall {
  readonly sinceMs: number;
  readonly retry: () => void;
  readonly refuse: (refusal: Refusal) => void;
}

/** Calls that wait while a partition is handed over (R14), or while copies lack much (R20). None of them was begun. */
export class ParkedCalls {
  #calls: ParkedCall[] = [];
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

  /** Begins the calls anew, or refuses those that have waited for long, so that their callers try elsewhere. */
  advance(mayBegin: boolean): void {
    if (this.#calls.length === 0) return;
    const calls = this.#calls;
    this.#calls = [];
    const oldestMs = this.#nowMs() - MAX_WAIT_MS;
    for (const call of calls) {
      if (mayBegin) call.retry();
      else if (call.sinceMs < oldestMs) call.refuse(WAITED);
      else this.#calls.push(call);
    }
  }
}

const MAX_CALLS = 1000;
const MAX_WAIT_MS = 1500;
