import { ManualTime, until } from '@kvs/protocol/testing';
import { instead, type FakeRedis } from '../../test/fake-redis.js';
import { AMPLE_MS, FakeServers } from '../../test/fake-servers.js';
import { Deadline } from './deadline.js';
import { RedisConnection } from './redis-connection.js';

const servers = new FakeServers();
afterEach(() => servers.close());
const { start } = servers;

function connect({ port }: FakeRedis, timers?: ManualTime, timeoutMs = AMPLE_MS): RedisConnection {
  const access = { username: undefined, password: undefined, database: 0, tls: undefined };
  return new RedisConnection({ host: '127.0.0.1', port }, access, timeoutMs, timers);
}

it('a connection sends nothing when the time of a call is over', async () => {
  const fake = await start();
  const connection = connect(fake);
  await connection.settled;
  const time = new ManualTime();
  const deadline = new Deadline(5, time);
  time.advanceMs(5);
  expect(await connection.send([{ name: 'HMGET', args: ['key', 'field'] }], deadline)).toMatchObject([
    { kind: 'unsent' },
  ]);
  expect(fake.dataCommands).toEqual([]);
  connection.close();
});

describe('a server', () => {
  it('is away when its connection has been down for the timeout, however long it was up before', async () => {
    const fake = await start();
    const time = new ManualTime();
    const connection = connect(fake, time);
    await connection.settled;
    time.advanceMs(2 * AMPLE_MS);
    expect([connection.isUp, connection.isAway]).toEqual([true, false]);
    await fake.stop();
    await until(() => !connection.isUp);
    time.advanceMs(AMPLE_MS);
    expect(connection.isAway).toBe(false);
    time.advanceMs(1);
    expect(connection.isAway).toBe(true);
    connection.close();
  });

  it('that is silent loses its calls and its connection', async () => {
    const fake = await start(instead({ HMGET: undefined }));
    const connection = connect(fake, undefined, 1000);
    await until(() => connection.isUp);
    const before = fake.connectionCount;
    expect(await connection.exchange([{ name: 'HMGET', args: ['key', 'field'] }])).toMatchObject([
      { kind: 'lost' },
    ]);
    await until(() => fake.connectionCount > before);
    connection.close();
  });

  it('is away as soon as it refuses the client', async () => {
    const connection = connect(await start(instead({ PING: '-NOAUTH Authentication required.\r\n' })));
    await connection.settled;
    expect([connection.problem?.kind, connection.isAway]).toEqual(['refused', true]);
    connection.close();
  });
});
