import { types } from 'node:util';
import type { StorageEngine } from '@kvs/kv-store';
import type { MaybePromise } from '@kvs/protocol';
import type { Redis } from 'ioredis';
import type { Batch } from './pairs.js';

export const OPERATIONS = ['get', 'set', 'has', 'delete'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** A store of pairs. Each operation returns the number of pairs for which it succeeded. */
export interface Contender extends Readonly<Record<Operation, (batch: Batch) => MaybePromise<number>>> {
  readonly name: string;
  /** Whether it answers by promise, so that it needs several calls in flight to be busy. */
  readonly isAsynchronous: boolean;
  /** Reads all pairs and returns their number. */
  scan(): MaybePromise<number>;
  close(): MaybePromise<void>;
}

/** The yardstick. */
export function bareMap(): Contender {
  const map = new Map<string, string>();
  return {
    name: 'bare Map',
    isAsynchronous: false,
    get: ({ plainKeys }) => count(plainKeys, (key) => map.get(key) !== undefined),
    has: ({ plainKeys }) => count(plainKeys, (key) => map.has(key)),
    delete: ({ plainKeys }) => count(plainKeys, (key) => map.delete(key)),
    set: ({ plainKeys, plainValues }) => {
      for (let at = 0; at < plainKeys.length; at++) map.set(plainKeys[at] ?? '', plainValues[at] ?? '');
      return plainKeys.length;
    },
    scan: () => {
      let found = 0;
      for (const [key, value] of map) if (key !== value) found++;
      return found;
    },
    close: () => map.clear(),
  };
}

export function engineContender(
  name: string,
  engine: StorageEngine,
  isAsynchronous: boolean,
  partitions: readonly number[],
): Contender {
  const counting = <T>(outcomes: MaybePromise<readonly T[]>, isGood: (outcome: T) => boolean) =>
    types.isPromise(outcomes)
      ? outcomes.then((answered) => count(answered, isGood))
      : count(outcomes, isGood);
  return {
    name,
    isAsynchronous,
    get: ({ keys }) => counting(engine.getMany(keys), ({ status }) => status === 'found'),
    has: ({ keys }) => counting(engine.hasMany(keys), ({ status }) => status === 'present'),
    set: ({ writes }) => counting(engine.setMany(writes), ({ status }) => status === 'written'),
    delete: ({ deletes }) => counting(engine.deleteMany(deletes), ({ status }) => status === 'deleted'),
    scan: async () => {
      let found = 0;
      for await (const { pairs } of engine.scan(partitions)) found += pairs.length;
      return found;
    },
    close: () => engine.close(),
  };
}

/** Redis without versions, conditions and partitions. */
export function redisClient(client: Redis): Contender {
  return {
    name: 'redis, its client alone',
    isAsynchronous: true,
    get: ({ plainKeys }) =>
      each(
        plainKeys.map((key) => client.get(key)),
        (value) => value !== null,
      ),
    has: ({ plainKeys }) =>
      each(
        plainKeys.map((key) => client.exists(key)),
        (found) => found === 1,
      ),
    delete: ({ plainKeys }) =>
      each(
        plainKeys.map((key) => client.del(key)),
        (deleted) => deleted === 1,
      ),
    set: ({ plainKeys, plainValues }) =>
      each(
        plainKeys.map((key, at) => client.set(key, plainValues[at] ?? '')),
        (done) => done === 'OK',
      ),
    scan: async () => {
      let found = 0;
      let cursor = '0';
      do {
        const [next, keys] = await client.scan(cursor, 'COUNT', 1000);
        if (keys.length > 0) found += count(await client.mget(keys), (value) => value !== null);
        cursor = next;
      } while (cursor !== '0');
      return found;
    },
    close: () => client.disconnect(),
  };
}

async function each<T>(answers: readonly Promise<T>[], isGood: (answer: T) => boolean): Promise<number> {
  return count(await Promise.all(answers), isGood);
}

function count<T>(items: readonly T[], isGood: (item: T) => boolean): number {
  let good = 0;
  for (const item of items) if (isGood(item)) good++;
  return good;
}
