import { REDIS_HOST, RedisServer } from '@kvs-tools/local-cluster';
import { Redis } from 'ioredis';

/** Uses a redis-server; it ends with the use. */
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

/** A redis-server that says what it takes. */
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

  /** A client at its fastest: commands given in one turn of the event loop go out together. */
  connect(database: number): Redis {
    return new Redis(this.#server.port, REDIS_HOST, {
      ...CLIENT_OPTIONS,
      db: database,
      enableAutoPipelining: true,
    });
  }

  /** The memory that the server says it uses, and what of it the system has given it, in bytes. */
  async memory(): Promise<{ readonly used: number; readonly resident: number }> {
    const info = await this.#admin.info('memory');
    return { used: numberIn(info, 'used_memory'), resident: numberIn(info, 'used_memory_rss') };
  }

  /** The CPU time that the server has taken, in nanoseconds. */
  async cpuNanoseconds(): Promise<number> {
    const info = await this.#admin.info('cpu');
    return (numberIn(info, 'used_cpu_user') + numberIn(info, 'used_cpu_sys')) * 1e9;
  }
}

const CLIENT_OPTIONS = { maxRetriesPerRequest: null, retryStrategy: () => 50 };

function numberIn(info: string, name: string): number {
  const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1];
  if (value === undefined) throw new Error(`redis-server does not say its ${name}`);
  return Number(value);
}
