import { describeWithRedis } from './describe-with-tools.js';
import { freePort, RedisProcess } from './redis-process.js';

describeWithRedis('a redis-server of the tests', () => {
  it('takes another port if another process was faster', async () => {
    const first = await RedisProcess.start();
    try {
      const ports = [first.port, await freePort()];
      const second = await RedisProcess.start({ choosePort: async () => ports.shift() ?? freePort() });
      expect(second.port).not.toBe(first.port);
      await second.stop();
    } finally {
      await first.stop();
    }
  });
});
