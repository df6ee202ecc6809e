import type { CancelTask, Schedule, Timers } from '../ports.js';

export interface CoalescerOptions {
  readonly timers: Timers;
  /** Runs a task at the end of a turn. */
  readonly schedule: Schedule;
  /** How long calls may wait for others while calls are unanswered, in milliseconds. */
  readonly maxDelayMs: number;
  /** This many calls are sent at once, even before the end of the turn. */
  readonly maxGatheredCalls: number;
  /** Calls of this many bytes are sent at once too. */
  readonly maxGatheredBytes: number;
}

/**
 * Decides when calls to one node are sent. Calls of one turn of the event loop go together. While calls are unanswered, further
 * ones wait for others, but not for long. A lone call goes at the end of the turn, and many calls go before it, so that the node
 * starts while the rest of the turn is done. Calls keep their order.
 */
export class Coalescer<T extends { readonly weight: number }> {
  #waiting: T[] = [];
  #bytes = 0;
  #scheduled = false;
  #flushing = false;
  #cancelDelay: CancelTask | undefined;

  readonly #options: CoalescerOptions;
  readonly #send: (calls: readonly T[]) => number;
  readonly #isIdle: () => boolean;

  /**
   * @param send sends calls from the front, and returns how many. The others wait until calls are answered, or until
   * {@link flush}. Calls that are added while it runs wait for the end of the turn.
   * @param isIdle whether all calls that were sent are answered
   */
  constructor(options: CoalescerOptions, send: (calls: readonly T[]) => number, isIdle: () => boolean) {
    this.#options = options;
    this.#send = send;
    this.#isIdle = isIdle;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** The call that has waited longest. */
  get first(): T | undefined {
    return this.#waiting[0];
  }

  add(call: T): void {
    this.#waiting.push(call);
    this.#bytes += call.weight;
    const { maxGatheredBytes, maxGatheredCalls } = this.#options;
    const full = this.#waiting.length >= maxGatheredCalls || this.#bytes >= maxGatheredBytes;
    if (full && !this.#flushing) return this.flush();
    if (this.#scheduled) return;
    if (full || this.#isIdle()) this.#scheduleFlush();
    else this.#cancelDelay ??= this.#options.timers.after(this.#options.maxDelayMs, this.#onDelay);
  }

  /** Calls are answered. Waiting calls are sent at the end of the turn, together with those that the answers bring about. */
  answered(): void {
    if (this.#waiting.length > 0 && !this.#scheduled) this.#scheduleFlush();
  }

  /** Sends the waiting calls now. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#flushing = true;
    const sent = this.#send(this.#waiting);
    this.#flushing = false;
    if (sent === 0) return;
    if (sent === this.#waiting.length) {
      this.#waiting = [];
      this.#bytes = 0;
      return;
    }
    for (let i = 0; i < sent; i++) this.#bytes -= this.#waiting[i]?.weight ?? 0;
    this.#waiting = this.#waiting.slice(sent);
  }

  /** Removes calls from the front up to the first that does not match, and returns them. */
  removeWhile(matches: (call: T) => boolean): T[] {
    const kept = this.#waiting.findIndex((call) => !matches(call));
    const removed = kept === -1 ? this.#waiting : this.#waiting.slice(0, kept);
    this.#waiting = kept === -1 ? [] : this.#waiting.slice(kept);
    for (const { weight } of removed) this.#bytes -= weight;
    return removed;
  }

  /** Removes and returns the waiting calls. */
  clear(): T[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    return waiting;
  }

  #scheduleFlush(): void {
    this.#scheduled = true;
    this.#options.schedule(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  readonly #onDelay = (): void => {
    this.#cancelDelay = undefined;
    this.flush();
  };
}
