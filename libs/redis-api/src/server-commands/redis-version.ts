/** The version of Redis whose strings, keys and expiry kvs follows. Clients decide by it which commands they may use. */
export const REDIS_VERSION = '7.0.0';
