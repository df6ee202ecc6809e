import { systemClock } from '@kvs/kv-store';
import { freePorts, ManualTime, until } from '@kvs/protocol/testing';
import { answers, placed, read, write } from '../test/pairs.js';
import { RedisCluster } from '../test/redis-cluster.js';
import { RedisProcess } from './testing/redis-process.js';
import { describeWithRedis } from './testing/describe-with-tools.js';
import { RedisEngine } from './redis-engine.js';
import type { RedisEngineOptions } from './redis-engine-options.js';

/** Long enough for a busy machine, because the timeouts of connections pass in real time. */
const TIMEOUT_MS = 20_000;

const UNAVAILABLE = { code: 'engine_unavailable' };

describeWithRedis('when Redis fails', () => {
  let server: RedisProcess;
  let engine: RedisEngine;
  /** The time by which calls time out. It passes only as a test says. */
  let time: ManualTime;
  const open = (options: Partial<RedisEngineOptions> = {}) => {
    // A step of the sweep runs in real time. If it lost its server, it would wait for time that does not pass, and closing for it.
    const base = { urls: [server.url], timeoutMs: TIMEOUT_MS, clock: systemClock, sweepIntervalMs: 0 };
    engine = new RedisEngine({ ...base, ...options }, time);
  };
  /** Returns the result of a call after its time has passed, or its error. */
  const afterTimeout = (call: Promise<unknown>): Promise<unknown> => {
    time.advanceMs(TIMEOUT_MS);
    return call.catch((error: unknown) => error);
  };
  beforeEach(async () => {
    time = new ManualTime();
    server = await RedisProcess.start();
    open();
    await until(() => answers(engine));
  });
  afterEach(async () => {
    server.resume();
    await engine.close();
    await server.stop();
  });

  it('a server that hangs is unavailable within the timeout, and works again when it continues', async () => {
    await engine.setMany([write('a', '1')]);
    server.pause();
    expect(await afterTimeout(engine.getMany([placed('a')]))).toMatchObject(UNAVAILABLE);
    expect(await afterTimeout(engine.setMany([write('b')]))).toMatchObject([
      { status: 'unavailable', maybeApplied: true },
    ]);
    expect(await afterTimeout(engine.stats())).toMatchObject(UNAVAILABLE);
    expect(await afterTimeout(engine.scan([0])[Symbol.asyncIterator]().next())).toMatchObject(UNAVAILABLE);
    server.resume();
    await until(() => answers(engine));
    expect(await read(engine, 'a')).toBe('1');
  });

  it('a server that stopped is unavailable, after a while without a wait, and works again when it is back', async () => {
    await server.kill();
    await until(() => engine.obstacle() !== undefined);
    expect(await afterTimeout(engine.getMany([placed('a')]))).toMatchObject(UNAVAILABLE);
    time.advanceMs(1);
    // From here on nothing waits, because no time passes.
    for (let i = 0; i < 10; i++)
      await expect(engine.setMany([write('a')])).rejects.toMatchObject(UNAVAILABLE);
    await server.run();
    await until(() => answers(engine));
    expect(await engine.setMany([write('a')])).toMatchObject([{ status: 'written' }]);
  });

  it('a read outlasts a short restart', async () => {
    await server.kill();
    const reading = engine.getMany([placed('a')]);
    await server.run();
    expect(await reading).toEqual([{ status: 'absent' }]);
  });

  it('an engine may be there before its server', async () => {
    await engine.close();
    const port = await freePorts(1, '127.0.0.1');
    open({ urls: [`redis://127.0.0.1:${port}`] });
    expect(await afterTimeout(engine.getMany([placed('a')]))).toMatchObject(UNAVAILABLE);
    const late = await RedisProcess.start({ choosePort: async () => port });
    try {
      await until(() => answers(engine));
      expect(await read(engine, 'a')).toBe('absent');
    } finally {
      await late.stop();
    }
  });

  it('waiting requests are bounded', async () => {
    await engine.close();
    open({ maxPendingBytes: 1000 });
    await until(() => answers(engine));
    server.pause();
    const waiting = engine.setMany([write('a', 'v'.repeat(900))]);
    await expect(engine.setMany([write('b')])).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: 'too much is waiting for Redis',
    });
    expect(await afterTimeout(waiting)).toMatchObject([{ status: 'unavailable' }]);
  });

  it('closing ends while the server hangs', async () => {
    server.pause();
    const writing = engine.setMany([write('a')]);
    await afterTimeout(engine.close());
    expect(await writing).toMatchObject([{ status: 'unavailable', maybeApplied: true }]);
  });

  it('writes that too few replicas confirm may have been applied', async () => {
    await engine.close();
    open({ waitReplicas: 1, waitTimeoutMs: 10 });
    await until(() => answers(engine));
    const outcomes = await Promise.all([1, 2, 3].map((n) => engine.setMany([write(`key-${n}`, `${n}`)])));
    expect(outcomes.flat()).toHaveLength(3);
    for (const outcome of outcomes.flat()) {
      expect(outcome).toMatchObject({ status: 'unavailable', maybeApplied: true });
    }
    expect(await read(engine, 'key-3')).toBe('3');
    const refused = await engine.setMany([{ ...write('key-3'), ifVersion: 1 }]);
    expect(refused).toMatchObject([{ status: 'version_mismatch' }]);
  });

  it('out of memory it refuses writes, and still reads and deletes', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    await engine.setMany([write('kept', '1'), ...keys.map((key) => write(key, 'v'.repeat(200_000)))]);
    const used = Number(/used_memory:(\d+)/.exec(await server.admin.info('memory'))?.[1]);
    await server.admin.config('SET', 'maxmemory', used - 1_000_000);
    expect(await engine.setMany([write('a'), write('kept', '2')])).toEqual([
      { status: 'out_of_memory' },
      { status: 'out_of_memory' },
    ]);
    expect(await read(engine, 'kept')).toBe('1');
    expect(await engine.hasMany([placed('a')])).toEqual([{ status: 'absent' }]);
    const deleted = await engine.deleteMany(keys.map((key) => ({ ...placed(key), ifVersion: undefined })));
    expect(new Set(deleted.map(({ status }) => status))).toEqual(new Set(['deleted']));
    expect(await engine.setMany([write('a')])).toMatchObject([{ status: 'written' }]);
  });
});

describeWithRedis('the state of Redis', () => {
  it('is known without a request, and each change is logged once where there are several servers', async () => {
    const cluster = await RedisCluster.start();
    const logged: string[] = [];
    const log = (message: string): void => void logged.push(message);
    const options = {
      urls: cluster.urls,
      timeoutMs: TIMEOUT_MS,
      clock: systemClock,
      log: { info: log, warn: log },
    };
    const engine = new RedisEngine(options);
    const replica = cluster.servers.at(-1);
    try {
      await until(() => logged.length === cluster.servers.length);
      expect(logged).toEqual(
        expect.arrayContaining(cluster.servers.map(({ port }) => named(port, ' answers'))),
      );
      expect(engine.obstacle()).toBeUndefined();
      logged.length = 0;
      await replica?.kill();
      await until(() => logged.length > 0);
      await replica?.run();
      await until(() => logged.at(-1)?.endsWith(' answers') === true);
      expect(new Set(logged).size).toBe(logged.length);
      expect(engine.obstacle()).toBeUndefined();
    } finally {
      await engine.close();
      await cluster.stop();
    }
  });

  it('is an obstacle, with the reason, while the server is away or refuses the password', async () => {
    const server = await RedisProcess.start();
    const engine = new RedisEngine({ urls: [server.url], timeoutMs: TIMEOUT_MS, clock: systemClock });
    try {
      await until(() => engine.obstacle() === undefined);
      await server.kill();
      await until(
        () => engine.obstacle() === named(server.port, `: connect ECONNREFUSED 127.0.0.1:${server.port}`),
      );
      await server.run();
      await until(() => engine.obstacle() === undefined);
      await server.admin.config('SET', 'requirepass', 'secret');
      await server.admin.call('CLIENT', 'KILL', 'TYPE', 'NORMAL', 'SKIPME', 'yes');
      await until(() => engine.obstacle() === named(server.port, ': NOAUTH Authentication required.'));
    } finally {
      await engine.close();
      await server.stop();
    }
  });

  it('is reported at once for a wrong password', async () => {
    const server = await RedisProcess.start();
    await server.admin.config('SET', 'requirepass', 'secret');
    const engine = new RedisEngine({
      urls: [server.url],
      timeoutMs: TIMEOUT_MS,
      password: 'wrong',
      clock: systemClock,
    });
    try {
      await engine.opened();
      expect(engine.obstacle()).toMatch(/: WRONGPASS invalid/);
      await expect(engine.stats()).rejects.toMatchObject({ ...UNAVAILABLE, message: engine.obstacle() });
    } finally {
      await engine.close();
      await server.stop();
    }
  });
});

function named(port: number, text: string): string {
  return `Redis at 127.0.0.1:${port}${text}`;
}
