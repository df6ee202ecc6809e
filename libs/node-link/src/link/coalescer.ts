import type { CancelTask } from '../ports.js';
import type { LinkOptions } from './link-options.js';

type CoalescerOptions = Pick<LinkOptions, 'timers' | 'schedule'>;

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

  /** How many calls wait. */
  get size(): number {
    return this.#waiting.length;
  }

  /** The weight of the calls that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The call that has waited longest. */
  get first(): T | undefined {
    return this.#waiting[0];
  }

  add(call: T): void {
    this.#waiting.push(call);
    this.#bytes += call.weight;
    const full = this.#waiting.length >= GATHERED_CALLS || this.#bytes >= GATHERED_BYTES;
    if (full && !this.#flushing) return this.flush();
    if (this.#scheduled) return;
    if (full || this.#isIdle()) this.#scheduleFlush();
    else this.#cancelDelay ??= this.#options.timers.after(MAX_DELAY_MS, this.#onDelay);
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

/** How long calls may wait for others while calls are unanswered. */
export const MAX_DELAY_MS = 2;

/** This many calls are sent at once, even before the end of the turn. */
export const GATHERED_CALLS = 4096;

/** Calls of this many bytes are sent at once too, because the cost of a frame by itself is small then at both ends. */
export const GATHERED_BYTES = 16 * 1024;
