export type { RedisEngineOptions } from './redis-engine-options.js';
export { RedisEngine, redisEngine } from './redis-engine.js';
