import { hasRedis, RedisServer } from '@kvs-tools/local-cluster';
import fc from 'fast-check';
import { startInProcess, type InProcessRedis } from './support/in-process-redis.js';
import { comparable } from './support/redis-differences.js';
import { runSequence, sequences } from './support/redis-sequences.js';
import { RespClient } from './support/resp-client.js';

/** Sequences for each pair of a store and a version of the protocol. */
const SEQUENCES =
  Number(process.env['KVS_REDIS_SEQUENCES']) || (process.env['KVS_SLOW_TESTS'] === undefined ? 40 : 1000);

// Without redis-server these tests are skipped. CI requires it.
const withRedis = hasRedis() || process.env['KVS_REQUIRE_TOOLS'] === '1';
const title = `commands of Redis${withRedis ? '' : ' (skipped: redis-server is not on the PATH)'}`;
(withRedis ? describe : describe.skip)(title, () => {
  let redis: RedisServer;
  let servers: readonly InProcessRedis[] = [];
  beforeAll(async () => {
    redis = await RedisServer.start();
    servers = [await startInProcess({ later: false }), await startInProcess({ later: true })];
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    await redis.stop();
  });

  it.each([
    { store: 0, answers: 'at once', protocol: 2 },
    { store: 0, answers: 'at once', protocol: 3 },
    { store: 1, answers: 'later', protocol: 2 },
    { store: 1, answers: 'later', protocol: 3 },
  ] as const)(
    'are answered as Redis does over a store that answers $answers, in RESP$protocol',
    async ({ store, protocol }) => {
      const server = servers[store];
      if (server === undefined) throw new TypeError('the server did not start');
      const [ours, theirs] = [await clientsOf(server.port, protocol), await clientsOf(redis.port, protocol)];
      await fc.assert(
        fc.asyncProperty(sequences, async (sequence) => {
          const [actual, expected] = await Promise.all([
            runSequence(ours, sequence),
            runSequence(theirs, sequence),
          ]);
          expect(comparable(actual, sequence)).toEqual(comparable(expected, sequence));
          expect(server.errors).toEqual([]);
        }),
        { numRuns: SEQUENCES, endOnFailure: process.env['KVS_SLOW_TESTS'] !== undefined },
      );
      for (const client of [...ours, ...theirs]) client.close();
    },
    20_000 + SEQUENCES * 200,
  );
});

async function clientsOf(port: number, protocol: 2 | 3): Promise<readonly [RespClient, RespClient]> {
  return [await RespClient.open(port, protocol), await RespClient.open(port, protocol)];
}
