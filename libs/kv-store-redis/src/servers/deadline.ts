import { systemTimers, type Timers } from '@kvs/protocol';

/** The end of a call's time. Call {@link end} to release its timer. */
export class Deadline {
  #isOver = false;
  readonly #whenOver = withResolver<undefined>();
  readonly #timers: Timers;
  readonly #endsAt: number;
  readonly #cancel: () => void;

  constructor(ms: number, timers = systemTimers) {
    this.#timers = timers;
    this.#endsAt = timers.nowMs() + ms;
    this.#cancel = timers.after(ms, () => {
      this.#isOver = true;
      this.#whenOver.resolve(undefined);
    });
  }

  /** A busy event loop runs the timer late, so the clock counts too. */
  get isOver(): boolean {
    return this.#isOver || this.#timers.nowMs() >= this.#endsAt;
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
    this.#cancel();
  }
}

export function withResolver<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}
