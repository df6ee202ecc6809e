export { openRedis, type OpenRedis, type RedisOptions } from './open-redis.js';
export { RedisListener } from './connection/redis-listener.js';
export type { Slots } from './slots.js';
