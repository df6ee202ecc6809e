import type { Scheduler } from './scheduler.js';

/** Notes what happens, if somebody wants to read it. */
export class Trace {
  readonly lines: string[] = [];
  readonly #scheduler: Scheduler;

  constructor(
    scheduler: Scheduler,
    readonly isWanted: boolean,
  ) {
    this.#scheduler = scheduler;
  }

  /** Adds a line with the time. Build the text only if `isWanted`. */
  add(subject: string, text: string): void {
    if (!this.isWanted) return;
    const seconds = (this.#scheduler.nowMs / 1000).toFixed(3);
    this.lines.push(`${seconds.padStart(7)} ${subject.padEnd(9)} ${text}`);
  }
}
