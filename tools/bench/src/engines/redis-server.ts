import { REDIS_HOST, RedisServer } from '@kvs-tools/local-cluster';
import { Redis } from 'ioredis';

/** Starts a redis-server and stops it after the use. */
export async function withRedis<T>(use: (server: MeasuredRedis) => Promise<T>): Promise<T> {
  const server = await RedisServer.start();
  const admin = new Redis(server.port, REDIS_HOST, CLIENT_OPTIONS);
  try {
    return await use(new MeasuredRedis(server, admin));
  } finally {
    admin.disconnect();
    await server.stop();
  }
}

/** A redis-server that reports its memory. */
export class MeasuredRedis {
  readonly #server: RedisServer;
  readonly #admin: Redis;

  constructor(server: RedisServer, admin: Redis) {
    this.#server = server;
    this.#admin = admin;
  }

  get url(): string {
    return this.#server.url;
  }

  /** Returns a client at its fastest: it sends the commands of one turn of the event loop together. */
  connect(database: number): Redis {
    return new Redis(this.#server.port, REDIS_HOST, {
      ...CLIENT_OPTIONS,
      db: database,
      enableAutoPipelining: true,
    });
  }

  /** Returns the memory that the server uses by its own account, and its RSS, in bytes. */
  async memory(): Promise<{ readonly used: number; readonly resident: number }> {
    const info = await this.#admin.info('memory');
    return { used: numberIn(info, 'used_memory'), resident: numberIn(info, 'used_memory_rss') };
  }
}

const CLIENT_OPTIONS = { maxRetriesPerRequest: null, retryStrategy: () => 50 };

function numberIn(info: string, name: string): number {
  const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1];
  if (value === undefined) throw new Error(`redis-server does not say its ${name}`);
  return Number(value);
}
