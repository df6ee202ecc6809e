import type { Network } from './network.js';
import type { Process } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** Requests between processes, in no order: the control plane. A request or an answer may be late by seconds, or get lost. */
export class Http {
  /** The probability that a request takes up to 5 s to arrive. */
  slowRequests = 0;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #random: Random;

  constructor(scheduler: Scheduler, network: Network, random: Random) {
    this.#scheduler = scheduler;
    this.#network = network;
    this.#random = random;
  }

  /**
   * Sends a request: runs `handle` at the receiver, and `done` with the answer at the sender, unless it was started again
   * in between. If either gets lost, `done` is never called.
   */
  request<Answer>(
    from: Process,
    to: Process,
    handle: (answer: (value: Answer) => void) => void,
    done: (value: Answer) => void,
  ): void {
    const { incarnation } = from;
    const takesMs = this.#random.chance(this.#slowRequests(from, to))
      ? this.#random.between(50, 5000)
      : this.#random.between(1, 25);
    this.#carry(from, to, takesMs, () => {
      handle((value) => {
        this.#carry(to, from, this.#random.between(1, 10), () => {
          if (from.incarnation === incarnation) done(value);
        });
      });
    });
  }

  #slowRequests(from: Process, to: Process): number {
    return this.#network.connection(from, to).isCut ? 1 : this.slowRequests;
  }

  #carry(from: Process, to: Process, takesMs: number, arrive: () => void): void {
    const connection = this.#network.connection(from, to);
    this.#scheduler.after(takesMs, () => {
      if (!connection.isCut) to.receive(arrive);
    });
  }
}
