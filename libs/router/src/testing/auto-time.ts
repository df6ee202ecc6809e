import type { CancelTask, Timers } from '@kvs/protocol';

interface Entry {
  readonly dueMs: number;
  readonly task: () => void;
}

/** Time that passes as soon as nothing else is to be done. */
export class AutoTime implements Timers {
  #nowMs = 0;
  #isPassing = false;
  readonly #entries = new Set<Entry>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): CancelTask {
    const entry = { dueMs: this.#nowMs + delayMs, task };
    this.#entries.add(entry);
    this.#pass();
    return () => void this.#entries.delete(entry);
  }

  #pass(): void {
    if (this.#isPassing) return;
    this.#isPassing = true;
    setImmediate(() => {
      this.#isPassing = false;
      const [next] = [...this.#entries].sort((one, other) => one.dueMs - other.dueMs);
      if (next === undefined) return;
      this.#entries.delete(next);
      this.#nowMs = next.dueMs;
      next.task();
      this.#pass();
    });
  }
}
