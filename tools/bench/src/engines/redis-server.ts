import { RedisProcess } from '@kvs/kv-store-redis/testing';
import { Redis } from 'ioredis';

/** Starts a redis-server and stops it after the use. */
export async function withRedis<T>(use: (server: RedisProcess) => Promise<T>): Promise<T> {
  const server = await RedisProcess.start();
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Returns a client at its fastest: it sends the commands of one turn of the event loop together. */
export function connect({ url }: RedisProcess, database: number): Redis {
  return new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: () => 50,
    db: database,
    enableAutoPipelining: true,
  });
}

/** Returns the memory that the server uses by its own account, and its RSS, in bytes. */
export async function memoryOf({ admin }: RedisProcess): Promise<{ used: number; resident: number }> {
  const info = await admin.info('memory');
  return { used: numberIn(info, 'used_memory'), resident: numberIn(info, 'used_memory_rss') };
}

function numberIn(info: string, name: string): number {
  const value = new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1];
  if (value === undefined) throw new Error(`redis-server does not say its ${name}`);
  return Number(value);
}
