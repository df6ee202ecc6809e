import { setImmediate, setTimeout } from 'node:timers/promises';

/**
 * Has the fills of a node read one chunk after the other. While the node has calls, there is a rest before each chunk: several times
 * as long as the event loop takes for a turn, because a busy machine delays calls anyway. Without calls, fills run at full speed.
 */
export class FillPace {
  readonly #callCount: () => number;
  readonly #rest: (ms: number) => Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();
  #seen = 0;
  #rests = 0;

  /**
   * @param callCount returns how many calls the node has had
   * @param rest waits; tests note how long
   */
  constructor(callCount: () => number, rest: (ms: number) => Promise<unknown> = (ms) => setTimeout(ms)) {
    this.#callCount = callCount;
    this.#rest = rest;
  }

  /** Resolves when the next chunk may be read. */
  turn(): Promise<unknown> {
    this.#last = this.#last.then(() => this.#wait());
    return this.#last;
  }

  async #wait(): Promise<void> {
    const startMs = performance.now();
    await setImmediate();
    const calls = this.#callCount();
    if (calls !== this.#seen) this.#rests = MAX_RESTS;
    this.#seen = calls;
    if (this.#rests === 0) return;
    this.#rests--;
    const turnMs = performance.now() - startMs;
    await this.#rest(Math.min(Math.max(MIN_REST_MS, TURNS_PER_REST * turnMs), MAX_REST_MS));
  }
}

/** Several times as long as sender, learner and proxy need for a chunk. */
const MIN_REST_MS = 8;
const MAX_REST_MS = 200;
const TURNS_PER_REST = 4;
/** How many rests follow a call, so that calls some milliseconds apart slow a fill all the time. */
const MAX_RESTS = 4;
