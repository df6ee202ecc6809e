import { KvsError, type Timers } from '@kvs/protocol';
import { Deadline } from './servers/deadline.js';

export interface PendingCallsLimits {
  readonly timeoutMs: number;
  readonly maxPendingBytes: number;
  readonly timers: Timers;
}

/** The calls in flight. Each has a deadline, together they have a limit, and closing waits for them. */
export class PendingCalls {
  readonly #limits: PendingCallsLimits;
  readonly #inFlight = new Set<Promise<unknown>>();
  #pendingBytes = 0;
  #isClosed = false;

  constructor(limits: PendingCallsLimits) {
    this.#limits = limits;
  }

  assertOpen(): void {
    if (this.#isClosed) throw new KvsError('engine_unavailable', 'the redis engine is closed');
  }

  /** @param bytes what the call keeps in memory until it is answered. A single call may have any number. */
  async run<T>(bytes: number, call: (deadline: Deadline) => Promise<T>): Promise<T> {
    this.assertOpen();
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > this.#limits.maxPendingBytes) {
      throw new KvsError('engine_unavailable', 'too much is waiting for Redis');
    }
    this.#pendingBytes += bytes;
    const deadline = new Deadline(this.#limits.timeoutMs, this.#limits.timers);
    const answer = call(deadline);
    this.#inFlight.add(answer);
    try {
      return await answer;
    } finally {
      this.#inFlight.delete(answer);
      this.#pendingBytes -= bytes;
      deadline.end();
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#inFlight);
  }
}
