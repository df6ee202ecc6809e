/** Makes one call at a time to the engine for a partition. If the engine answers at once, nothing is queued. */
export class EngineQueue {
  #isBusy = false;
  /** Whether a loop runs that makes the next call when one is done. */
  #isDraining = false;
  readonly #waiting: ((next: () => void) => void)[] = [];

  get isIdle(): boolean {
    return !this.#isBusy && this.#waiting.length === 0;
  }

  /** Runs a call when those before it are done. The call must call `next` exactly once when it is done. */
  run(call: (next: () => void) => void): void {
    this.#waiting.push(call);
    this.#drain();
  }

  readonly #next = (): void => {
    this.#isBusy = false;
    this.#drain();
  };

  /** A loop and not a recursion, because thousands of calls may be done at once. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      while (!this.#isBusy) {
        const call = this.#waiting.shift();
        if (call === undefined) return;
        this.#isBusy = true;
        call(this.#next);
      }
    } finally {
      this.#isDraining = false;
    }
  }
}
