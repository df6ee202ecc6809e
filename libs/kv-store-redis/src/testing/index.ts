export { describeWithRedis, describeWithTools, hasRedis } from './describe-with-tools.js';
export { RedisProcess } from './redis-process.js';
