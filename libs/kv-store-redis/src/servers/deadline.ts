/** The end of a call's time. It must be let go of with {@link end}. */
export class Deadline {
  #isOver = false;
  readonly #whenOver: Promise<undefined>;
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    const { promise, resolve } = withResolver();
    this.#whenOver = promise;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      resolve(undefined);
    }, ms);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The promise's answer, or undefined once the time is over. */
  race<T>(promise: Promise<T>): Promise<T | undefined> {
    return Promise.race([promise, this.#whenOver]);
  }

  async pause(ms: number): Promise<void> {
    const { promise, resolve } = withResolver();
    const timer = setTimeout(resolve, ms, undefined);
    await this.race(promise);
    clearTimeout(timer);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function withResolver() {
  let resolve: (nothing: undefined) => void = () => undefined;
  const promise = new Promise<undefined>((done) => (resolve = done));
  return { promise, resolve };
}
