import { describeWithTools, RedisProcess } from '@kvs/kv-store-redis/testing';
import { until } from '@kvs/protocol/testing';
import { run, startNode, type LocalServer } from '@kvs-tools/local-cluster';
import { string } from './support/data.js';
import { send } from './support/http.js';

const SERVERS = 6;
const BATCH = 16;
const CLUSTER = [
  '--cluster-enabled',
  'yes',
  '--cluster-node-timeout',
  '1500',
  '--repl-diskless-sync-delay',
  '0',
];

describeWithTools(['redis-server', 'redis-cli'], 'a node on a Redis Cluster', () => {
  const servers: RedisProcess[] = [];
  let node: LocalServer;
  beforeAll(async () => {
    while (servers.length < SERVERS) servers.push(await RedisProcess.start({ settings: CLUSTER }));
    const addresses = servers.map(({ address }) => address);
    const created = await run('redis-cli', [
      ...['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'],
    ]);
    expect(created.stdout).toContain('All 16384 slots covered');
    const urls = servers.flatMap(({ url }) => ['--redis-url', url]);
    node = await startNode(['--engine', 'redis', ...urls, '--redis-wait', '1']);
  });
  afterAll(async () => {
    await node.kill();
    await Promise.all(servers.map((server) => server.stop()));
  });

  it('keeps every write acknowledged with --redis-wait 1 after a master was killed under load', async () => {
    // No write is acknowledged before every master has its replica.
    await until(async () => (await write(['ready', ...keysOf(-1)])).length === BATCH + 1);
    const acknowledged: string[] = [];
    let round = 0;
    const writeRound = async (): Promise<number> => {
      const done = await write(keysOf(round++));
      acknowledged.push(...done);
      return done.length;
    };
    for (let i = 0; i < 50; i++) await writeRound();
    expect(acknowledged.length).toBeGreaterThan(0);
    // redis-cli makes the first three the masters.
    await servers[0]?.kill();
    await until(async () => (await writeRound()) < BATCH);

    for (let from = 0; from < acknowledged.length; from += BATCH) {
      const keys = acknowledged.slice(from, from + BATCH);
      let found: unknown;
      // Fails until the replica has taken over.
      await until(async () => {
        const { status, json } = await send('POST', `${node.origin}/fetch`, { body: keys.map(string) });
        found = json;
        return status === 200;
      });
      expect(found).toEqual(keys.map((key) => ({ key: string(key), value: string(`of ${key}`) })));
    }
  });

  /** The keys whose writes were acknowledged. */
  async function write(keys: readonly string[]): Promise<string[]> {
    const body = keys.map((key) => ({ key: string(key), value: string(`of ${key}`) }));
    const { json } = await send('PUT', `${node.origin}/set`, { body });
    const { keys_failed: failed } = json as { keys_failed: { key: { data: string } }[] };
    const isFailed = new Set(failed.map(({ key }) => key.data));
    return keys.filter((key) => !isFailed.has(key));
  }
});

function keysOf(round: number): string[] {
  return Array.from({ length: BATCH }, (_, at) => `${round}-${at}`);
}
