import { freePorts } from '@kvs/protocol/testing';
import { describeWithRedis } from './describe-with-tools.js';
import { RedisProcess } from './redis-process.js';

describeWithRedis('a redis-server of the tests', () => {
  it('takes another port if another process was faster', async () => {
    const first = await RedisProcess.start();
    try {
      const ports = [first.port, await freePorts(1)];
      const second = await RedisProcess.start({ choosePort: async () => ports.shift() ?? freePorts(1) });
      expect(second.port).not.toBe(first.port);
      await second.stop();
    } finally {
      await first.stop();
    }
  });
});
