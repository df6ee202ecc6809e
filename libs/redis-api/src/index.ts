export { openRedis, type OpenRedis, type RedisOptions } from './open-redis.js';
export { RedisListener } from './connection/redis-listener.js';
export type { ClusterMap, ClusterNode, ClusterView } from './cluster/cluster-map.js';
export { REDIS_OPTIONS, redisAddress, type RedisPort } from './redis-options.js';
