import { systemClock } from '@kvs/kv-store';
import type { Timers } from '@kvs/protocol';
import { partitionKeys } from '../src/data/partition-keys.js';
import { RedisEngine } from '../src/redis-engine.js';
import type { RedisEngineOptions } from '../src/redis-engine-options.js';
import { FakeRedis, type FakeScript } from './fake-redis.js';
import { placed } from './pairs.js';

/** Long enough for a busy machine. Tests in which it passes use a `ManualTime`. */
export const AMPLE_MS = 20_000;

/** Returns the slot of the Cluster in which the engine stores the pair of a key. */
export function slotOf(text: string): number {
  return partitionKeys('kvs')(placed(text).partition).slot;
}

/** The fake servers of a test, and the engines that it opened on them. */
export class FakeServers {
  readonly #fakes: FakeRedis[] = [];
  readonly #engines: RedisEngine[] = [];

  readonly start = async (script?: FakeScript): Promise<FakeRedis> => {
    const fake = await FakeRedis.start(script);
    this.#fakes.push(fake);
    return fake;
  };

  readonly open = async (
    fake: FakeRedis,
    options: Partial<RedisEngineOptions> = {},
    timers?: Timers,
  ): Promise<RedisEngine> => {
    const settings = { urls: [fake.url], timeoutMs: AMPLE_MS, sweepIntervalMs: 0, ...options };
    const engine = new RedisEngine({ ...settings, clock: systemClock }, timers);
    this.#engines.push(engine);
    await engine.opened();
    return engine;
  };

  /** Closes the engines, and then the servers. */
  async close(): Promise<void> {
    await Promise.all(this.#engines.splice(0).map((engine) => engine.close()));
    await Promise.all(this.#fakes.splice(0).map((fake) => fake.stop()));
  }
}
