import { systemClock } from '@kvs/kv-store';
import { until } from '@kvs/protocol/testing';
import { Forwarder } from '../test/forwarder.js';
import { read, write } from '../test/pairs.js';
import { RedisProcess } from './testing/redis-process.js';
import { describeWithRedis } from './testing/describe-with-tools.js';
import { RedisEngine } from './redis-engine.js';

describeWithRedis('a replica that is promoted', () => {
  let first: RedisProcess;
  let second: RedisProcess;
  let engine: RedisEngine;
  const logged: string[] = [];
  const open = async (url: string) => {
    const log = (message: string): void => void logged.push(message);
    engine = new RedisEngine({
      ...{ urls: [url], timeoutMs: 20_000, clock: systemClock },
      log: { info: log, warn: log },
    });
    await engine.opened();
  };
  beforeEach(async () => {
    [first, second] = await Promise.all([RedisProcess.start(), RedisProcess.start()]);
    await second.admin.replicaof('127.0.0.1', first.port);
    await until(async () => (await second.admin.info('replication')).includes('master_link_status:up'));
    logged.length = 0;
  });
  afterEach(async () => {
    await engine.close();
    await Promise.all([first.stop(), second.stop()]);
  });
  const failOver = async () => {
    await second.admin.call('REPLICAOF', 'NO', 'ONE');
    await first.admin.replicaof('127.0.0.1', second.port);
  };

  it('takes the writes where one address leads to it, though open connections lead to the other', async () => {
    const forwarder = await Forwarder.start(first.port);
    try {
      await open(forwarder.url);
      await engine.setMany([write('a', '1')]);
      await failOver();
      forwarder.target = second.port;
      expect(await engine.setMany([write('a', '2')])).toMatchObject([{ status: 'written' }]);
      expect(await read(engine, 'a')).toBe('2');
      await second.admin.call('REPLICAOF', '127.0.0.1', 1);
      forwarder.target = first.port;
      await first.admin.call('REPLICAOF', 'NO', 'ONE');
      expect(await engine.setMany([write('a', '3')])).toMatchObject([{ status: 'written' }]);
    } finally {
      await forwarder.stop();
    }
  });

  it('is found by the server that was the primary', async () => {
    await open(first.url);
    await failOver();
    expect(await engine.setMany([write('a', '1')])).toMatchObject([{ status: 'written' }]);
    expect(await second.admin.keys('*:pairs')).toHaveLength(1);
    expect(logged).toContain(`Redis at 127.0.0.1:${second.port} is the primary now`);
    await until(() => engine.obstacle() === undefined);
    // The server of the URL is the primary again.
    await first.admin.call('REPLICAOF', 'NO', 'ONE');
    await second.admin.replicaof('127.0.0.1', first.port);
    expect(await engine.setMany([write('b', '1')])).toMatchObject([{ status: 'written' }]);
    expect(await first.admin.keys('*:pairs')).toHaveLength(2);
  });

  it('is found without a write, which would be refused', async () => {
    await open(first.url);
    await failOver();
    await until(() => logged.some((line) => line.endsWith(' is the primary now')));
    await engine.setMany([write('a', '1')]);
    expect(await read(engine, 'a')).toBe('1');
  });
});
