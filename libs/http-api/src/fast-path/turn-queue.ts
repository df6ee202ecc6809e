/**
 * Collects the requests of one turn of the event loop and handles them at the end of the turn. Their calls then go to the nodes
 * together and their answers are written together, which costs less than one by one.
 */
export class TurnQueue<T> {
  #waiting: T[] = [];

  readonly #handle: (item: T) => void;

  /** @param handle must not throw, because the other requests of the turn come after it */
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
