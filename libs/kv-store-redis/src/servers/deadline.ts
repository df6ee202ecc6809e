/** The end of a call's time. Call {@link end} to release its timer. */
export class Deadline {
  #isOver = false;
  readonly #whenOver = withResolver<undefined>();
  readonly #endsAt: number;
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#endsAt = performance.now() + ms;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#whenOver.resolve(undefined);
    }, ms);
  }

  /** A busy event loop runs the timer late, so the clock counts too. */
  get isOver(): boolean {
    return this.#isOver || performance.now() >= this.#endsAt;
  }

  /** Returns the promise's answer, or undefined once the time is over. */
  race<T>(promise: Promise<T>): Promise<T | undefined> {
    return Promise.race([promise, this.#whenOver.promise]);
  }

  async pause(ms: number): Promise<void> {
    const { promise, resolve } = withResolver<undefined>();
    const timer = setTimeout(resolve, ms, undefined);
    await this.race(promise);
    clearTimeout(timer);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

export function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
