import type { CancelTask, Scheduler } from '../scheduler.js';

/** A scheduler whose time only passes when a test lets it pass. */
export class ManualScheduler implements Scheduler {
  #nowMs = 0;
  readonly #tasks = new Set<{ readonly dueMs: number; readonly task: () => void }>();

  after(delayMs: number, task: () => void): CancelTask {
    const entry = { dueMs: this.#nowMs + delayMs, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#tasks.size;
  }

  /** Runs the tasks that are due within so many milliseconds, in order, including tasks that these schedule. */
  advanceMs(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let entry = this.#next(untilMs); entry !== undefined; entry = this.#next(untilMs)) {
      this.#nowMs = entry.dueMs;
      this.#tasks.delete(entry);
      entry.task();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number) {
    const due = [...this.#tasks].filter(({ dueMs }) => dueMs <= untilMs);
    return due.sort((one, other) => one.dueMs - other.dueMs)[0];
  }
}
