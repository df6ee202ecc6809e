import { DEFAULT_LIMITS, type KeyValueOperations, type Limits } from '@kvs/protocol';
import { Budget, type Admission, type BudgetLimits } from '@kvs/server';
import type { ClusterView } from '../cluster/cluster-map.js';
import type { Command, MemoryLimit } from '../command.js';
import { openWith, type OpenRedis } from '../open-redis.js';
import { RawClient } from './raw-client.js';

export interface TestRedisOptions {
  readonly operations?: KeyValueOperations;
  readonly cluster?: ClusterView;
  readonly memory?: MemoryLimit;
  readonly limits?: Partial<Limits>;
  readonly budget?: Partial<BudgetLimits>;
  readonly bodyTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
  /** Besides those of this package. */
  readonly commands?: readonly Command[];
}

/** A server for the Redis protocol on a free port. */
export class TestRedis {
  readonly errors: unknown[] = [];
  readonly admission: Admission;
  readonly open: OpenRedis;
  readonly #clients: RawClient[] = [];
  #port = 0;

  private constructor(options: TestRedisOptions) {
    const { memory } = options;
    const budget = new Budget({ maxInFlightRequests: 100, maxInFlightBytes: 1e9, ...options.budget });
    this.admission = budget.admissionOf('redis');
    this.open = openWith(
      {
        version: '1.2.3',
        operations: options.operations ?? NO_OPERATIONS,
        ...(options.cluster && { cluster: options.cluster }),
        ...(memory && { memory: () => memory }),
        settings: {
          limits: { ...DEFAULT_LIMITS, ...options.limits },
          bodyTimeoutMs: options.bodyTimeoutMs ?? 60_000,
          minBodyRate: 1000,
          answerTimeoutMs: options.answerTimeoutMs ?? 60_000,
        },
        admission: this.admission,
        onError: (error) => this.errors.push(error),
      },
      options.commands ?? [],
    );
  }

  static async start(options: TestRedisOptions = {}): Promise<TestRedis> {
    const server = new TestRedis(options);
    server.#port = await server.open.listener.start({ host: '127.0.0.1', port: 0 });
    return server;
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.open(this.#port);
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const { socket } of this.#clients) socket.destroy();
    this.open.listener.close();
    await this.open.listener.drain();
  }
}

const unexpected = (): never => {
  throw new TypeError('the test expects no operation');
};
const NO_OPERATIONS: KeyValueOperations = {
  set: unexpected,
  fetch: unexpected,
  query: unexpected,
  delete: unexpected,
  scan: unexpected,
};
