/** As much of a worker as a dealer needs. */
export interface Seat<C> {
  /** Hands a connection over. {@link ConnectionDealer.sit} is to be called when the worker has it. */
  take(connection: C): void;
}

/**
 * Deals connections to workers in turn. A worker has one at a time on its way to it: one that is too busy to take it
 * gets no further ones meanwhile, and the others' turns come earlier. Connections wait while no worker is free.
 */
export class ConnectionDealer<C> {
  readonly #free = new Set<Seat<C>>();
  readonly #waiting: C[] = [];

  readonly #cut: (connection: C) => void;
  readonly #maxWaiting: number;

  /**
   * @param cut called for a connection that can't be dealt
   * @param maxWaiting most connections that wait for a worker; further ones are cut
   */
  constructor(cut: (connection: C) => void, maxWaiting = 1024) {
    this.#cut = cut;
    this.#maxWaiting = maxWaiting;
  }

  /** The worker would take a connection; it is the last in turn. */
  sit(seat: Seat<C>): void {
    const connection = this.#waiting.shift();
    if (connection === undefined) this.#free.add(seat);
    else seat.take(connection);
  }

  /** The worker takes no connections any more. */
  leave(seat: Seat<C>): void {
    this.#free.delete(seat);
  }

  deal(connection: C): void {
    const [seat] = this.#free;
    if (seat !== undefined) {
      this.#free.delete(seat);
      seat.take(connection);
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
