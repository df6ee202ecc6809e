import type { Refusal } from '../codec/refusal.js';

/**
 * The budget from which a node admits the calls of all its links. Listeners of other protocols can share it. Each method is
 * called for every call, so it must take constant time.
 */
export interface CallAdmission {
  /**
   * Counts a call as in flight, unless there is no room for it.
   *
   * @param bytes the weight of the call: its text and something for each item
   * @returns the refusal; undefined if the call is admitted, and then `leave` is called once with the same bytes
   */
  enter(bytes: number): Refusal | undefined;
  /** Counts an admitted call as done. */
  leave(bytes: number): void;
  /**
   * Counts the bytes of answers that links hold because proxies have not read them.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addUnread(bytes: number): void;
  /**
   * Counts the bytes of incomplete frames that links hold.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addIncomplete(bytes: number): void;
}

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
