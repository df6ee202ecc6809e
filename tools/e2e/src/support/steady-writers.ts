import { send } from './http.js';

/** The values that a key may have: the value acknowledged last, or a value tried since. */
interface Expectation {
  acknowledged: string | undefined;
  readonly tried: string[];
}

/** Clients that write numbered values over and over while something happens to a cluster. */
export class SteadyWriters {
  readonly #origin: string;
  readonly #keys = new Map<string, Expectation>();
  readonly #running: Promise<void>[];
  #count = 0;
  #isStopped = false;
  /** The answers to writes that were not acknowledged. */
  readonly failures: string[] = [];

  /** Starts the writers. Each has keys of its own. */
  constructor(origin: string, writerCount = 4, keysPerWriter = 100) {
    this.#origin = origin;
    this.#running = Array.from({ length: writerCount }, (_, writer) =>
      this.#write(Array.from({ length: keysPerWriter }, (__, i) => `w${writer}-${i}`)),
    );
  }

  /** How many writes were acknowledged. */
  get count(): number {
    return this.#count;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  /** Returns the keys whose value is neither the one that was acknowledged last nor a later one. */
  async lost(): Promise<string[]> {
    const lost: string[] = [];
    for (const [key, { acknowledged, tried }] of this.#keys) {
      const { status, text } = await send('GET', `${this.#origin}/keys/${key}`);
      const found = status === 200 ? text : undefined;
      const isAllowed = found === acknowledged || (found !== undefined && tried.includes(found));
      if (!isAllowed) lost.push(`${key}: ${acknowledged} was acknowledged, found ${status} ${text}`);
    }
    return lost;
  }

  async #write(keys: readonly string[]): Promise<void> {
    for (let round = 0; !this.#isStopped; round++) {
      const key = keys[round % keys.length] ?? '';
      const value = `${key}:${round}`;
      const expected = this.#expectation(key);
      expected.tried.push(value);
      const { status, text } = await send('PUT', `${this.#origin}/keys/${key}`, { body: value });
      if (status >= 300) this.failures.push(`${status} ${text}`);
      else {
        expected.acknowledged = value;
        expected.tried.length = 0;
        this.#count++;
      }
    }
  }

  #expectation(key: string): Expectation {
    let expectation = this.#keys.get(key);
    if (expectation === undefined) {
      expectation = { acknowledged: undefined, tried: [] };
      this.#keys.set(key, expectation);
    }
    return expectation;
  }
}
