import { parsePort, type ListenOptions, type OptionDefinition } from '@kvs/server';

/** Where a server listens for Redis clients: 0 for nowhere, `auto` for any free port. */
export type RedisPort = number | 'auto';

const redisPort: OptionDefinition<RedisPort> = {
  group: 'Redis protocol',
  description: 'port for Redis clients; 0 for none, auto for any free port',
  value: 'port',
  default: 0,
  parse: (text) => (text === 'auto' ? text : parsePort(text)),
};

/** The options of every server that speaks the Redis protocol. */
export const REDIS_OPTIONS = { redisPort };

/** Returns where the server listens for Redis clients, in the form of `serve`. */
export function redisAddress(host: string, port: RedisPort): { readonly redis?: ListenOptions } {
  return port === 0 ? {} : { redis: { host, port: port === 'auto' ? 0 : port } };
}
