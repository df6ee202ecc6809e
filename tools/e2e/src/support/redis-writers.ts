import type { Cluster } from 'ioredis';

/** Writes numbered values over and over through a cluster client of Redis. */
export class RedisWriters {
  readonly #client: Cluster;
  /** By key: the values that it may have. The first was acknowledged last, or undefined; the others were tried since. */
  readonly #allowed = new Map<string, (string | null)[]>();
  readonly #running: Promise<void>[];
  #isStopped = false;
  #count = 0;
  /** The errors of writes that were not acknowledged. */
  readonly failures: string[] = [];

  /** Starts the writers. Each has keys of its own. */
  constructor(client: Cluster, writerCount = 4, keysPerWriter = 100) {
    this.#client = client;
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
    for (const [key, allowed] of this.#allowed) {
      const found = await this.#client.get(key);
      if (!allowed.includes(found)) lost.push(`${key}: ${allowed[0]} was acknowledged, found ${found}`);
    }
    return lost;
  }

  async #write(keys: readonly string[]): Promise<void> {
    for (let round = 0; !this.#isStopped; round++) {
      const key = keys[round % keys.length] ?? '';
      const value = `${key}:${round}`;
      const allowed = this.#allowed.get(key) ?? [null];
      this.#allowed.set(key, [...allowed, value]);
      try {
        await this.#client.set(key, value);
        this.#allowed.set(key, [value]);
        this.#count++;
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }
}
