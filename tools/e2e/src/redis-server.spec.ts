import { freePorts, RedisServer } from '@kvs-tools/local-cluster';
import { describeWithRedis } from '../test/with-redis.js';

describeWithRedis('a redis-server of the tests', () => {
  it('takes another port if another process was faster', async () => {
    const first = await RedisServer.start();
    try {
      const ports = [first.port, await freePorts(1)];
      const second = await RedisServer.start([], async () => ports.shift() ?? freePorts(1));
      expect(second.port).not.toBe(first.port);
      await second.stop();
    } finally {
      await first.stop();
    }
  });
});
