import type { CancelTask, Timers } from '../src/ports.js';

/** Time that passes when it is told to. */
export class ManualTime implements Timers {
  #now = 0;
  readonly #tasks = new Set<{ readonly dueMs: number; readonly task: () => void }>();

  nowMs(): number {
    return this.#now;
  }

  after(delayMs: number, task: () => void): CancelTask {
    const entry = { dueMs: this.#now + delayMs, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  /** How long until each waiting task, the next first. */
  get waits(): number[] {
    return [...this.#tasks].map(({ dueMs }) => dueMs - this.#now).sort((a, b) => a - b);
  }

  /** Runs what is due in so many milliseconds, in order, also what that schedules. */
  pass(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#tasks].filter(({ dueMs }) => dueMs <= until).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#now = due.dueMs;
      this.#tasks.delete(due);
      due.task();
    }
    this.#now = until;
  }
}
