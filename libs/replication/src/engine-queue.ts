/** Makes one call at a time to the engine for a partition. If the engine answers at once, nothing is queued. */
export class EngineQueue {
  #isBusy = false;
  readonly #waiting: ((next: () => void) => void)[] = [];

  get isIdle(): boolean {
    return !this.#isBusy && this.#waiting.length === 0;
  }

  /** Runs a call when those before it are done. The call must call `next` exactly once when it is done. */
  run(call: (next: () => void) => void): void {
    if (this.#isBusy) this.#waiting.push(call);
    else this.#start(call);
  }

  #start(call: (next: () => void) => void): void {
    this.#isBusy = true;
    call(this.#next);
  }

  readonly #next = (): void => {
    this.#isBusy = false;
    const call = this.#waiting.shift();
    if (call !== undefined) this.#start(call);
  };
}
