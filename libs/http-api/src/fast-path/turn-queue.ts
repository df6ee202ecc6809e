/**
 * Gathers what comes within one turn of the event loop and handles it together at the end of the turn. Requests that
 * arrive together are then parsed, asked of the nodes and answered together, which costs less than one after the other.
 */
export class TurnQueue<T> {
  #waiting: T[] = [];

  readonly #handle: (item: T) => void;

  /** @param handle must not throw: the others of the turn come after */
  constructor(handle: (item: T) => void) {
    this.#handle = handle;
  }

  add(item: T): void {
    if (this.#waiting.push(item) === 1) setImmediate(this.#handleAll);
  }

  readonly #handleAll = (): void => {
    const items = this.#waiting;
    this.#waiting = [];
    for (const item of items) this.#handle(item);
  };
}
