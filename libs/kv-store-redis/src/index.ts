export type { RedisEngineOptions, RedisLog } from './redis-engine-options.js';
export { RedisEngine, redisEngine } from './redis-engine.js';
