import { messageOf } from '@kvs/protocol';
import type { ControlLog } from './ports.js';

/** Warns of a problem when it begins and when its reason changes, but not each time that it is met. */
export class LastingProblem {
  readonly #log: ControlLog;
  readonly #description: string;
  #reason: string | undefined;

  /** @param description what can't be done, to which the reason is added */
  constructor(log: ControlLog, description: string) {
    this.#log = log;
    this.#description = description;
  }

  meet(error: unknown): void {
    const reason = messageOf(error);
    if (reason !== this.#reason) this.#log.warn({ reason }, `${this.#description}: ${reason}`);
    this.#reason = reason;
  }

  end(): void {
    this.#reason = undefined;
  }
}
