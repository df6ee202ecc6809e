import { setImmediate } from 'node:timers/promises';
import { until } from '@kvs/protocol/testing';
import { send } from './http.js';

/** The values that a key may have: the value acknowledged last, or a value tried since. */
interface Expectation {
  acknowledged: string | undefined;
  readonly tried: string[];
}

/** Reads and writes single values. */
export interface ValueStore {
  /** Returns undefined for an absent key. Rejects if the value can't be read. */
  read(key: string): Promise<string | undefined>;
  /** Returns why the write was refused, or undefined. */
  write(key: string, value: string): Promise<string | undefined>;
}

/** The values of a server over HTTP. */
export function overHttp(origin: string): ValueStore {
  const urlOf = (key: string): string => `${origin}/keys/${key}`;
  return {
    async read(key) {
      const { status, text } = await send('GET', urlOf(key));
      if (status !== 200 && status !== 404) throw new Error(`${status} ${text}`);
      return status === 200 ? text : undefined;
    },
    async write(key, value) {
      const { status, text } = await send('PUT', urlOf(key), { body: value });
      return status >= 300 ? `${status} ${text}` : undefined;
    },
  };
}

/** The part of a Redis client that {@link overRedis} needs. */
export interface RedisValues {
  get(key: string): Promise<string | null>;
  set(key: string, value: string): Promise<unknown>;
}

/** The values of a server or cluster over the Redis protocol. */
export function overRedis(client: RedisValues): ValueStore {
  return {
    read: async (key) => (await client.get(key)) ?? undefined,
    write: (key, value) => client.set(key, value).then(() => undefined, String),
  };
}

/** Clients that write numbered values over and over while something happens to a cluster. */
export class SteadyWriters {
  readonly #store: ValueStore;
  readonly #keys = new Map<string, Expectation>();
  readonly #running: Promise<void>[];
  #count = 0;
  #isStopped = false;
  /** Why writes were not acknowledged. */
  readonly failures: string[] = [];

  /** Starts the writers. Each has keys of its own. */
  constructor(store: ValueStore, writerCount = 4, keysPerWriter = 100) {
    this.#store = store;
    this.#running = Array.from({ length: writerCount }, (_, writer) =>
      this.#write(Array.from({ length: keysPerWriter }, (__, i) => `w${writer}-${i}`)),
    );
  }

  /** Waits until so many more writes are acknowledged. */
  untilMore(count: number): Promise<void> {
    const enough = this.#count + count;
    return until(
      () => this.#count >= enough,
      () => `${this.#count} of ${enough} writes were acknowledged; the last failure: ${this.failures.at(-1)}`,
    );
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  /** Returns the keys whose value is neither the one that was acknowledged last nor a later one. */
  async lost(): Promise<string[]> {
    const lost: string[] = [];
    for (const [key, { acknowledged, tried }] of this.#keys) {
      const found = await this.#store.read(key);
      const isAllowed = found === acknowledged || (found !== undefined && tried.includes(found));
      if (!isAllowed) lost.push(`${key}: ${acknowledged} was acknowledged, found ${found}`);
    }
    return lost;
  }

  async #write(keys: readonly string[]): Promise<void> {
    for (let round = 0; !this.#isStopped; round++) {
      const key = keys[round % keys.length] ?? '';
      const value = `${key}:${round}`;
      const expected = this.#expectation(key);
      expected.tried.push(value);
      const refusal = await this.#store.write(key, value);
      if (refusal !== undefined) {
        this.failures.push(refusal);
        // A client that was closed refuses at once, and nothing else would run.
        await setImmediate();
      } else {
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
