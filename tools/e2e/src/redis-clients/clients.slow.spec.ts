import { describeWithTools } from '@kvs/kv-store-redis/testing';
import type * as IoRedis from 'ioredis';
import { createClient, RESP_TYPES } from 'redis';
import { Command, run, startNode, startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { RespClient } from '../support/resp-client.js';

const HOST = 'localhost';
const nodes: LocalServer[] = [];
const ports = new Map<string, number>();
let proxy: LocalServer;

beforeAll(async () => {
  const start = () => startNode(['--redis-port', 'auto']);
  nodes.push(...(await Promise.all([start(), start(), start()])));
  const [alone, ...others] = nodes;
  proxy = await startProxy(
    others.map(({ address }) => address),
    ['--redis-port', 'auto'],
  );
  ports.set('a node', (await alone?.redisPort()) ?? 0).set('a proxy', await proxy.redisPort());
});
afterAll(() => Promise.all([proxy.kill(), ...nodes.map((node) => node.kill())]));

describe.each(['a node', 'a proxy'])('at %s', (server) => {
  let port: number;
  beforeEach(async () => {
    port = ports.get(server) ?? 0;
    const client = await RespClient.open(port, 2);
    await client.ask([['FLUSHALL']]);
    client.close();
  });

  it.each([
    ['ioredis', false],
    ['ioredis', true],
    ['ioredis5', false],
    ['ioredis5', true],
  ])('%s works, with automatic pipelining: %s', async (name, enableAutoPipelining) => {
    const { Redis }: typeof IoRedis = await import(name);
    const client = new Redis({ host: HOST, port, enableAutoPipelining });
    try {
      const keys = Array.from({ length: 200 }, (_, i) => `key-${i}`);
      expect(new Set(await Promise.all(keys.map((key, i) => client.set(key, `${i}`))))).toEqual(
        new Set(['OK']),
      );
      expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys.map((_, i) => `${i}`));
      expect(await client.mget('key-1', 'absent', 'key-3')).toEqual(['1', null, '3']);
      expect(await client.set('key-1', 'x', 'PX', 60_000, 'NX')).toBeNull();
      const replies = await client.multi().incr('{n}a').incrby('{n}a', 5).expire('{n}a', 60).exec();
      expect(replies).toEqual([
        [null, 1],
        [null, 6],
        [null, 1],
      ]);
      expect(await client.ttl('{n}a')).toBeGreaterThan(50);
      const bytes = Buffer.from([0, 255, 10, 13]);
      await client.set(bytes, bytes);
      expect(await client.getBuffer(bytes)).toEqual(bytes);
      const found = new Set<string>();
      for await (const page of client.scanStream({ match: 'key-1*' }))
        for (const key of page as string[]) found.add(key);
      expect([...found].sort()).toEqual(keys.filter((key) => key.startsWith('key-1')).sort());
      await expect(client.lpush('list', '1')).rejects.toThrow('unknown command');
      expect(await client.unlink('key-1', 'key-2', 'absent')).toBe(2);
    } finally {
      client.disconnect();
    }
  });

  it.each([2, 3] as const)('node-redis works with RESP%s', async (RESP) => {
    const client = createClient({ url: `redis://${HOST}:${port}`, RESP });
    await client.connect();
    try {
      const keys = Array.from({ length: 200 }, (_, i) => `key-${i}`);
      await Promise.all(
        keys.map((key, i) => client.set(key, `${i}`, { expiration: { type: 'EX', value: 60 } })),
      );
      expect(await client.mGet(['key-1', 'absent'])).toEqual(['1', null]);
      expect(await client.ttl('key-1')).toBeGreaterThan(50);
      expect(await client.getEx('key-1', { type: 'PERSIST' })).toBe('1');
      expect(await client.ttl('key-1')).toBe(-1);
      expect(await client.multi().set('{m}a', '1').append('{m}a', '2').get('{m}a').exec()).toEqual([
        'OK',
        2,
        '12',
      ]);
      const watching = await client.duplicate().connect();
      await watching.watch('{m}a');
      await client.set('{m}a', 'changed');
      await expect(watching.multi().set('{m}a', 'lost').exec()).rejects.toThrow(
        'One (or more) of the watched keys',
      );
      watching.destroy();
      const found: string[] = [];
      for await (const page of client.scanIterator({ MATCH: 'key-*' })) found.push(...page);
      expect(found.sort()).toEqual([...keys].sort());
      const asBytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
      expect(await asBytes.get('key-2')).toEqual(Buffer.from('2'));
      expect(await client.flushAll()).toBe('OK');
      expect(await client.dbSize()).toBe(0);
    } finally {
      client.destroy();
    }
  });

  describeWithTools(['redis-cli', 'redis-benchmark'], 'the tools of Redis', () => {
    const shell = async (script: string) => (await run('sh', ['-c', script])).stdout;

    it('redis-cli works', async () => {
      const cli = async (...args: string[]) =>
        (await run('redis-cli', ['-p', `${port}`, ...args])).stdout.trim();
      expect(await cli('PING')).toBe('PONG');
      expect(await cli('SET', 'k', 'v', 'EX', '100')).toBe('OK');
      expect(await cli('-3', 'GET', 'k')).toBe('v');
      expect(await cli('--scan', '--pattern', 'k*')).toBe('k');
      expect(await cli('INFO', 'server')).toContain('redis_version');
      expect(await cli('--bigkeys')).toContain('Biggest string found');
      expect(await shell(`echo help setex | redis-cli -p ${port}`)).toContain('key seconds value');
    });

    it('redis-cli --pipe loads commands in the Redis protocol', async () => {
      const commands = ['a', 'b']
        .map((key) => `*3\\r\\n$3\\r\\nSET\\r\\n$1\\r\\n${key}\\r\\n$2\\r\\nof\\r\\n`)
        .join('');
      expect(await shell(`printf '${commands}' | redis-cli -p ${port} --pipe`)).toContain(
        'errors: 0, replies: 2',
      );
      expect((await run('redis-cli', ['-p', `${port}`, 'MGET', 'a', 'b'])).stdout).toBe('of\nof\n');
    });

    let benchmark: Command | undefined;
    // It tries forever to reach a server that does not answer.
    afterEach(() => benchmark?.destroy());

    it('redis-benchmark works', async () => {
      const tests = ['-t', 'ping,set,get,incr,mset', '-n', '500', '-r', '100', '-q'];
      for (const pipeline of ['1', '16']) {
        benchmark = new Command('redis-benchmark', ['-p', `${port}`, '-P', pipeline, ...tests]);
        const { code, stdout, stderr } = await benchmark.finished;
        expect([code, stderr]).toEqual([0, '']);
        for (const name of ['PING_MBULK', 'SET', 'GET', 'INCR', 'MSET']) expect(stdout).toContain(`${name}`);
        expect(stdout).not.toMatch(/error/i);
      }
    });
  });
});
