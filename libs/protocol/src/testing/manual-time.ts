/** Time that passes only when a test lets it pass. It is a scheduler of the store and the timers of the link. */
export class ManualTime {
  #nowMs = 0;
  readonly #tasks = new Set<{ readonly dueMs: number; readonly task: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const entry = { dueMs: this.#nowMs + delayMs, task };
    this.#tasks.add(entry);
    return () => void this.#tasks.delete(entry);
  }

  /** In how many milliseconds each waiting task is due, the next first. */
  get waits(): number[] {
    return [...this.#tasks].map(({ dueMs }) => dueMs - this.#nowMs).sort((one, other) => one - other);
  }

  /** Runs the tasks that are due within `ms` milliseconds, in order, including tasks that these schedule. */
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
