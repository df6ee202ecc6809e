import type { EngineFactory } from '@kvs/kv-store';
import { describeStorageEngine } from '@kvs/kv-store/testing';
import { RedisProcess } from './testing/redis-process.js';
import { describeWithRedis } from './testing/describe-with-tools.js';
import { redisEngine } from './redis-engine.js';

describeWithRedis('on a server', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterAll(() => server.stop());

  const open: EngineFactory = (options) => redisEngine({ urls: [server.url], timeoutMs: 20_000 })(options);
  describeStorageEngine('the Redis engine', {
    create: open,
    reopen: open,
    openAnother: open,
    dispose: async () => void (await server.admin.flushall()),
  });
});
