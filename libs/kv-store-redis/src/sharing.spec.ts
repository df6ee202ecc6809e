import { systemClock, type StorageEngine } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { until } from '@kvs/protocol/testing';
import { placed, read, scanIds, write } from '../test/pairs.js';
import { RedisProcess } from './testing/redis-process.js';
import { describeWithRedis } from './testing/describe-with-tools.js';
import { partitionKeys } from './data/partition-keys.js';
import { RedisEngine, redisEngine } from './redis-engine.js';
import type { RedisEngineOptions } from './redis-engine-options.js';

describeWithRedis('engines on one Redis', () => {
  let server: RedisProcess;
  const engines: StorageEngine[] = [];
  const open = (options: Partial<RedisEngineOptions> = {}, clock = systemClock) => {
    const engine = new RedisEngine({ urls: [server.url], timeoutMs: 20_000, clock, ...options });
    engines.push(engine);
    return engine;
  };
  beforeAll(async () => {
    server = await RedisProcess.start();
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()));
    await server.admin.flushall();
  });
  afterAll(() => server.stop());

  it("do not see each other's data under different prefixes", async () => {
    const [one, other] = [open({ prefix: 'one' }), open({ prefix: 'one:more' })];
    await one.setMany([write('a', 'of one'), write('b', 'of one')]);
    await other.setMany([write('a', 'of the other')]);
    expect(await read(one, 'a')).toBe('of one');
    expect(await read(other, 'a')).toBe('of the other');
    expect(await scanIds(other)).toEqual(['sa']);
    expect(await one.stats()).toMatchObject({ pairCount: 2 });
    await one.deleteMany([{ ...placed('a'), ifVersion: undefined }]);
    expect(await read(other, 'a')).toBe('of the other');
  });

  it("leave other users' data alone", async () => {
    await server.admin.set('theirs', '1');
    const engine = open();
    await engine.setMany([write('theirs', 'ours')]);
    expect(await scanIds(engine)).toEqual(['stheirs']);
    expect(await server.admin.get('theirs')).toBe('1');
    const keys = await server.admin.keys('*');
    expect(keys.filter((key) => !key.startsWith('kvs:'))).toEqual(['theirs']);
  });

  it('name the partition function in their keys', async () => {
    await open().setMany([write('a')]);
    expect(await server.admin.keys('*')).toEqual([`kvs:crc16/1:{${placed('a').partition}}:pairs`]);
  });

  it('store a binary value as its bytes', async () => {
    const engine = open();
    const [encoding, data] = ['binary', '00ff'.repeat(500)] as const;
    await engine.setMany([{ ...write('a'), value: Object.assign(write('a').value, { encoding, data }) }]);
    const stored = await server.admin.hgetBuffer(partitionKeys('kvs')(placed('a').partition).pairs, 'sa');
    expect(stored?.length).toBe(1 + 8 + 1000);
  });

  it('reclaim expired pairs that nobody asks for, by their own clock', async () => {
    const clock = new ManualClock();
    const engine = open({ sweepIntervalMs: 1 }, clock);
    const keys = Array.from({ length: 500 }, (_, index) => `key-${index}`);
    await engine.setMany(keys.map((key) => write(key, 'v', clock.nowMs() + 50)));
    await engine.setMany([write('stays')]);
    clock.advanceMs(49);
    expect(await engine.stats()).toMatchObject({ pairCount: 501 });
    clock.advanceMs(1);
    await until(async () => (await engine.stats()).pairCount === 1);
    expect(await server.admin.keys('*:deadlines')).toEqual([]);
    expect(await read(engine, 'stays')).toBe('v');
  });

  it('agree on the id of their pairs, and have other pairs under another prefix', async () => {
    const [one, other, stranger] = [open(), open(), open({ prefix: 'strange' })];
    expect(await one.sharedStoreId?.('first')).toBe('first');
    expect(await other.sharedStoreId?.('second')).toBe('first');
    expect(await stranger.sharedStoreId?.('third')).toBe('third');
    await server.admin.flushall();
    expect(await other.sharedStoreId?.('first')).toBe('first');
    expect(await one.stats()).toMatchObject({ pairCount: 0 });
  });

  it.each([
    ['is full', 'maxmemory', '1'],
    ['misses replicas', 'min-replicas-to-write', '1'],
  ])(
    'know the id of their pairs also while Redis refuses writes because it %s',
    async (_, setting, value) => {
      const [one, other] = [open(), open()];
      expect(await one.sharedStoreId?.('first')).toBe('first');
      await server.admin.config('SET', setting, value);
      try {
        expect(await other.sharedStoreId?.('second')).toBe('first');
      } finally {
        await server.admin.config('SET', setting, '0');
      }
    },
  );

  it('go on when Redis forgets its scripts', async () => {
    const engine = open();
    await engine.setMany([write('a', '1')]);
    await server.admin.script('FLUSH');
    const [outcome] = await engine.setMany([write('a', '2')]);
    expect(outcome).toMatchObject({ status: 'written' });
    expect(await read(engine, 'a')).toBe('2');
  });
});

describeWithRedis('a Redis with a password', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start();
    await server.admin.config('SET', 'requirepass', 'a secret/@');
  });
  afterEach(() => delete process.env['KVS_REDIS_PASSWORD']);
  afterAll(() => server.stop());

  const attempt = async (options: Partial<RedisEngineOptions>) => {
    const engine = new RedisEngine({ urls: [server.url], clock: systemClock, ...options });
    try {
      return await engine.setMany([write('a')]);
    } finally {
      await engine.close();
    }
  };

  it('takes it from the URL', async () => {
    const urls = [server.url.replace('//', `//:${encodeURIComponent('a secret/@')}@`)];
    expect(await attempt({ urls, timeoutMs: 20_000 })).toMatchObject([{ status: 'written' }]);
  });

  it('takes it from the environment', async () => {
    process.env['KVS_REDIS_PASSWORD'] = 'a secret/@';
    expect(await attempt({ timeoutMs: 20_000 })).toMatchObject([{ status: 'written' }]);
  });

  it('is unavailable without it, and with a wrong one', async () => {
    await expect(attempt({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'engine_unavailable' });
    await expect(attempt({ timeoutMs: 300, password: 'wrong' })).rejects.toMatchObject({
      code: 'engine_unavailable',
    });
  });
});

describeWithRedis('a Redis with settings of its own', () => {
  let server: RedisProcess;
  beforeAll(async () => {
    server = await RedisProcess.start({ settings: ['--maxmemory-policy', 'allkeys-lru'] });
  });
  afterAll(() => server.stop());

  const open = (path: string, log?: RedisEngineOptions['log']) =>
    redisEngine({ urls: [server.url + path], timeoutMs: 20_000, ...(log && { log }) })({
      clock: systemClock,
    });

  it.each(['/3', '?db=3'])('keeps the pairs in the database of the URL: %s', async (path) => {
    const engine = await open(path);
    await engine.setMany([write('a')]);
    await engine.close();
    const keyspace = await server.admin.info('keyspace');
    expect(keyspace).toContain('db3:');
    expect(keyspace).not.toContain('db0:');
  });

  it('without that database is refused at once', async () => {
    await expect(open('/99')).rejects.toMatchObject({
      code: 'engine_unavailable',
      message: expect.stringMatching(/database 99 cannot be used: ERR DB index is out of range/),
    });
  });

  it('that evicts is worth one warning', async () => {
    const warnings: string[] = [];
    const engine = await open('', { info: () => undefined, warn: (message) => warnings.push(message) });
    await engine.close();
    expect(warnings).toEqual([expect.stringContaining('maxmemory-policy allkeys-lru')]);
  });
});
