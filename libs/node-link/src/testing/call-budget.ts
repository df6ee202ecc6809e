import type { Refusal } from '../codec/refusal.js';
import type { CallAdmission } from '../link/link-server.js';

/** A budget of the links alone. Refuses calls while as many calls or bytes as allowed are in flight. */
export class CallBudget implements CallAdmission {
  #calls = 0;
  #bytes = 0;

  readonly #maxCalls: number;
  readonly #maxBytes: number;

  constructor(maxCalls: number, maxBytes: number) {
    this.#maxCalls = maxCalls;
    this.#maxBytes = maxBytes;
  }

  enter(bytes: number): Refusal | undefined {
    if (this.#calls >= this.#maxCalls)
      return { code: 'overloaded', message: `${this.#calls} calls are in flight` };
    if (this.#bytes >= this.#maxBytes)
      return { code: 'overloaded', message: `calls of ${this.#bytes} bytes are in flight` };
    this.#calls++;
    this.#bytes += bytes;
    return undefined;
  }

  leave(bytes: number): void {
    this.#calls--;
    this.#bytes -= bytes;
  }

  /** Links that hold too many bytes are closed, and only that limits them. */
  addUnread(): void {
    return undefined;
  }

  addIncomplete(): void {
    return undefined;
  }
}
