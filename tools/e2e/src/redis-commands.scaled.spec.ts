import { describeWithRedis, RedisProcess } from '@kvs/kv-store-redis/testing';
import { startInProcess, type InProcessRedis } from './support/in-process-redis.js';
import { compareWithRedis } from './support/redis-comparison.js';

/** Sequences for each kind of store and version of the protocol. */
const SEQUENCES =
  Number(process.env['KVS_REDIS_SEQUENCES']) || (process.env['KVS_SLOW_TESTS'] === undefined ? 40 : 500);

describeWithRedis('commands of Redis', () => {
  let redis: RedisProcess;
  let servers: { readonly [answers: string]: InProcessRedis } = {};
  beforeAll(async () => {
    redis = await RedisProcess.start();
    servers = {
      'at once': await startInProcess({ later: false }),
      later: await startInProcess({ later: true }),
    };
  });
  afterAll(async () => {
    await Promise.all(Object.values(servers).map((server) => server.close()));
    await redis.stop();
  });

  it.each([
    { answers: 'at once', protocol: 2 },
    { answers: 'at once', protocol: 3 },
    { answers: 'later', protocol: 2 },
    { answers: 'later', protocol: 3 },
  ] as const)(
    'are answered as Redis does over a store that answers $answers, in RESP$protocol',
    async ({ answers, protocol }) => {
      const server = servers[answers];
      if (server === undefined) throw new TypeError('the server did not start');
      await compareWithRedis(server.port, redis.port, protocol, SEQUENCES);
      expect(server.errors).toEqual([]);
    },
    20_000 + SEQUENCES * 500,
  );
});
