import type { CancelTask, Schedule, Timers } from '../ports.js';

export interface CoalescerOptions {
  readonly timers: Timers;
  /** When a turn is over, and what was asked for in it goes out together. */
  readonly schedule: Schedule;
  /** How long calls may gather while what was sent before them is unanswered, in milliseconds. */
  readonly maxDelayMs: number;
  /** So many calls are not kept waiting for more, not even to the end of the turn. */
  readonly maxGatheredCalls: number;
  /** Nor are calls of so many bytes. */
  readonly maxGatheredBytes: number;
}

/**
 * Decides when calls to one node go out. Those of one turn of the event loop go together. While what went before is
 * unanswered, further ones gather, for little time; a lone call goes out at once, and what is much to do by itself does not
 * wait for the turn to end, so that the node is at it while the rest of the turn is done. It never reorders.
 */
export class Coalescer<T extends { readonly weight: number }> {
  #waiting: T[] = [];
  #bytes = 0;
  #companies = 0;
  #scheduled = false;
  #flushing = false;
  #cancelDelay: CancelTask | undefined;

  readonly #options: CoalescerOptions;
  readonly #send: (calls: readonly T[]) => number;

  /**
   * @param send takes calls from the front, as one company, and returns how many; the others wait until a company is
   * answered, or until {@link flush}. What it adds itself waits for the end of the turn.
   */
  constructor(options: CoalescerOptions, send: (calls: readonly T[]) => number) {
    this.#options = options;
    this.#send = send;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** The one that has waited longest. */
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
    if (full || this.#companies === 0) this.#scheduleFlush();
    else this.#cancelDelay ??= this.#options.timers.after(this.#options.maxDelayMs, this.#onDelay);
  }

  /**
   * All calls of a company are answered. What has gathered goes out with what those answers bring about: who gets one often
   * has the next call ready.
   */
  answered(): void {
    this.#companies--;
    if (this.#waiting.length > 0 && !this.#scheduled) this.#scheduleFlush();
  }

  /** Sends what waits, now. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#flushing = true;
    const taken = this.#send(this.#waiting);
    this.#flushing = false;
    if (taken === 0) return;
    this.#companies++;
    if (taken === this.#waiting.length) {
      this.#waiting = [];
      this.#bytes = 0;
      return;
    }
    for (let i = 0; i < taken; i++) this.#bytes -= this.#waiting[i]?.weight ?? 0;
    this.#waiting = this.#waiting.slice(taken);
  }

  /** Takes out those at the front that are as said. */
  removeWhile(isSo: (call: T) => boolean): T[] {
    const kept = this.#waiting.findIndex((call) => !isSo(call));
    const removed = kept === -1 ? this.#waiting : this.#waiting.slice(0, kept);
    this.#waiting = kept === -1 ? [] : this.#waiting.slice(kept);
    for (const { weight } of removed) this.#bytes -= weight;
    return removed;
  }

  /** Takes back all that waits, and forgets what was sent. */
  clear(): T[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    this.#companies = 0;
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
