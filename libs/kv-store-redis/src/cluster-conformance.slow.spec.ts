import type { EngineFactory } from '@kvs/kv-store';
import { describeStorageEngine } from '@kvs/kv-store/testing';
import { RedisCluster } from '../test/redis-cluster.js';
import { describeWithRedis } from './testing/describe-with-tools.js';
import { redisEngine } from './redis-engine.js';

describeWithRedis('on a Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster.stop());

  const open: EngineFactory = (options) =>
    redisEngine({ urls: cluster.urls.slice(0, 2), waitReplicas: 1, timeoutMs: 20_000 })(options);
  describeStorageEngine('the Redis engine', {
    create: open,
    reopen: open,
    openAnother: open,
    dispose: () => cluster.flush(),
  });
});
