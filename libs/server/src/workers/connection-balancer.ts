/** As much of a worker as the balancer needs. */
export interface WorkerSlot<C> {
  /** Hands a connection to the worker. Call {@link ConnectionBalancer.free} when the worker has accepted it. */
  assign(connection: C): void;
}

/**
 * Assigns connections to workers in turn. A worker gets its next connection when it has accepted the one before,
 * so that a busy worker gets fewer. Connections wait while no worker is free.
 */
export class ConnectionBalancer<C> {
  /** In the order in which they became free. */
  readonly #free = new Set<WorkerSlot<C>>();
  readonly #waiting: C[] = [];

  readonly #cut: (connection: C) => void;
  readonly #maxWaiting: number;

  /**
   * @param cut called for a connection that can't be assigned
   * @param maxWaiting limit of connections that wait for a worker; further ones are cut
   */
  constructor(cut: (connection: C) => void, maxWaiting = 1024) {
    this.#cut = cut;
    this.#maxWaiting = maxWaiting;
  }

  /** Notes that a worker can accept a connection. */
  free(slot: WorkerSlot<C>): void {
    const connection = this.#waiting.shift();
    if (connection === undefined) this.#free.add(slot);
    else slot.assign(connection);
  }

  /** Assigns no more connections to a worker. */
  remove(slot: WorkerSlot<C>): void {
    this.#free.delete(slot);
  }

  /** Assigns a connection to the worker that has been free for the longest. */
  assign(connection: C): void {
    const [slot] = this.#free;
    if (slot !== undefined) {
      this.#free.delete(slot);
      slot.assign(connection);
    } else if (this.#waiting.length < this.#maxWaiting) {
      this.#waiting.push(connection);
    } else {
      this.#cut(connection);
    }
  }

  /** Cuts the connections that wait. */
  close(): void {
    for (const connection of this.#waiting.splice(0)) this.#cut(connection);
  }
}
