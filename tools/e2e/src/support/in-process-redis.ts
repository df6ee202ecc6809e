import { setImmediate } from 'node:timers/promises';
import { KvStore, MemoryEngine, systemClock, type Clock } from '@kvs/kv-store';
import { DEFAULT_LIMITS, type KeyValueOperations, type Limits, type ScanAnswer } from '@kvs/protocol';
import { openRedis, type ClusterView } from '@kvs/redis-api';
import { Budget } from '@kvs/server';

export interface InProcessRedis {
  readonly port: number;
  /** The store, without the Redis protocol. */
  readonly operations: KeyValueOperations;
  /** The errors that were defects, and no failures of a command. */
  readonly errors: readonly unknown[];
  close(): Promise<void>;
}

export interface InProcessOptions {
  /** Whether the store answers by promise, like a proxy. */
  readonly later: boolean;
  readonly limits?: Partial<Limits>;
  readonly budget?: Budget;
  readonly cluster?: ClusterView;
  /** Of the store. */
  readonly clock?: Clock;
}

/** Serves the Redis protocol in this process, over a store in memory. */
export async function startInProcess({
  later,
  limits,
  budget = new Budget({ maxInFlightRequests: 1000, maxInFlightBytes: 1e9 }),
  cluster,
  clock = systemClock,
}: InProcessOptions): Promise<InProcessRedis> {
  const store = new KvStore(new MemoryEngine({ clock }), clock);
  const errors: unknown[] = [];
  const operations = later ? delayed(operationsOf(store)) : operationsOf(store);
  const { listener } = openRedis({
    version: '0.0.0',
    operations,
    ...(cluster && { cluster }),
    nowMicros: () => clock.nowMicros(),
    settings: {
      limits: { ...DEFAULT_LIMITS, ...limits },
      bodyTimeoutMs: 60_000,
      minBodyRate: 1,
      answerTimeoutMs: 60_000,
    },
    admission: budget.admissionOf('redis'),
    onError: (error) => errors.push(error),
  });
  const port = await listener.start({ host: '127.0.0.1', port: 0 });
  const close = async (): Promise<void> => {
    listener.close();
    await listener.drain();
    await store.close();
  };
  return { port, operations, errors, close };
}

function operationsOf(store: KvStore): KeyValueOperations {
  const close = (): void => undefined;
  return {
    set: (items) => store.set(items),
    fetch: (keys, maxBytes) => store.fetch(keys, maxBytes),
    query: (keys) => store.query(keys),
    delete: (items) => store.delete(items),
    scan: async (request): Promise<ScanAnswer> => ({
      missingNodes: [],
      lines: store.scanJson(request),
      close,
    }),
  };
}

function delayed({ set, fetch, query, delete: remove, scan }: KeyValueOperations): KeyValueOperations {
  return {
    set: async (items) => {
      await setImmediate();
      return set(items);
    },
    fetch: async (keys, maxBytes) => {
      await setImmediate();
      return fetch(keys, maxBytes);
    },
    query: async (keys) => {
      await setImmediate();
      return query(keys);
    },
    delete: async (items) => {
      await setImmediate();
      return remove(items);
    },
    scan,
  };
}
