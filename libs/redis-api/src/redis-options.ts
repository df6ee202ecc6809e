import { parsePort, type ListenOptions, type OptionDefinition } from '@kvs/server';

/** Undefined for none, 0 for any free port. */
const redisPort: OptionDefinition<number | undefined> = {
  group: 'Redis protocol',
  description: 'port for Redis clients; auto for any free port, 0 for none',
  value: 'port',
  default: undefined,
  parse: (text) => (text === 'auto' ? 0 : parsePort(text) || undefined),
};

/** The options of every server that speaks the Redis protocol. */
export const REDIS_OPTIONS = { redisPort };

/** Returns where the server listens for Redis clients, in the form of `serve`. */
export function redisAddress(host: string, port: number | undefined): { readonly redis?: ListenOptions } {
  return port === undefined ? {} : { redis: { host, port } };
}
