import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryEngine, systemClock, type StorageEngine } from '@kvs/kv-store';
import { lmdbEngine } from '@kvs/kv-store-lmdb';
import { redisEngine } from '@kvs/kv-store-redis';
import { RedisProcess } from '@kvs/kv-store-redis/testing';
import type { MaybePromise } from '@kvs/protocol';
import type { Case } from '../harness/case.js';
import { turns } from '../harness/contest.js';
import type { Table } from '../harness/report.js';
import { median } from '../harness/statistics.js';
import { pairBatches, SIZES, type Batch } from './pairs.js';
import type { EnginesCaseOptions } from './run-size.js';

const BATCH = 100;
/** LMDB and Redis answer by promise, so they need several calls in flight to be busy. */
const CALLS_IN_FLIGHT = 32;

/** A store of pairs. Each operation returns the number of pairs for which it succeeded. */
interface Store {
  readonly name: string;
  readonly set: (batch: Batch) => MaybePromise<number>;
  readonly get: (batch: Batch) => MaybePromise<number>;
}

/** The time that a pair takes in calls for 100 pairs. It has no goal; docs/engines.md states it. */
export const speed: Case<EnginesCaseOptions> = {
  name: 'speed',
  measure: ({ runSize: { timedPairs, timedRounds }, withRedis, progress }) =>
    withStores(withRedis, async (stores) => {
      progress(`set and get of ${BATCH} pairs in a call…`);
      const batches = [...pairBatches(SIZES, timedPairs, BATCH)];
      const entries = stores.map((store) => ({ store, set: new Array<number>(), get: new Array<number>() }));
      for (const { store, set, get } of turns(entries, timedRounds)) {
        set.push(await microsecondsPerPair(batches, store.set));
        get.push(await microsecondsPerPair(batches, store.get));
      }
      const table: Table = {
        title: `Set and get of ${BATCH} pairs in a call`,
        note:
          `Wall-clock time per pair of 16 and 100 bytes with ${timedPairs.toLocaleString('en')} pairs and ` +
          `${CALLS_IN_FLIGHT} calls in flight. Medians of ${timedRounds} rounds.`,
        columns: [{ title: '' }, { title: 'set', unit: 'µs' }, { title: 'get', unit: 'µs' }],
        rows: entries.map(({ store, set, get }) => [store.name, median(set), median(get)]),
      };
      return { tables: [table], goals: [] };
    }),
};

/** @throws Error if a call fails for a pair */
async function microsecondsPerPair(batches: readonly Batch[], call: Store['set']): Promise<number> {
  const left = batches.values();
  let asked = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    for (const batch of left) {
      asked += batch.keys.length;
      const count = await call(batch);
      done += count;
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: CALLS_IN_FLIGHT }, lane));
  if (done !== asked) throw new Error(`a store has ${done} of ${asked} pairs`);
  return ((performance.now() - startMs) * 1000) / done;
}

/** Opens the stores, empty, and closes them after the use. */
async function withStores<T>(withRedis: boolean, use: (stores: readonly Store[]) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-bench-lmdb-'));
  const server = withRedis ? await RedisProcess.start() : undefined;
  const clock = systemClock;
  const engines: StorageEngine[] = [new MemoryEngine({ clock, maxMemoryBytes: 1024 ** 3 })];
  try {
    engines.push(await lmdbEngine({ directory })({ clock }));
    if (server !== undefined) engines.push(await redisEngine({ urls: [server.url] })({ clock }));
    return await use([bareMap(), ...engines.map(storeOf)]);
  } finally {
    for (const engine of engines) await engine.close();
    await server?.stop();
    await rm(directory, { recursive: true });
  }
}

function bareMap(): Store {
  const map = new Map<string, string>();
  return {
    name: 'bare Map',
    set: ({ texts }) => {
      for (const [key, value] of texts) map.set(key, value);
      return texts.length;
    },
    get: ({ texts }) => texts.filter(([key]) => map.get(key) !== undefined).length,
  };
}

function storeOf(engine: StorageEngine): Store {
  const count = (outcomes: readonly { readonly status: string }[], status: string): number =>
    outcomes.filter((outcome) => outcome.status === status).length;
  return {
    name: engine.name,
    set: async ({ writes }) => count(await engine.setMany(writes), 'written'),
    get: async ({ keys }) => count(await engine.getMany(keys), 'found'),
  };
}
