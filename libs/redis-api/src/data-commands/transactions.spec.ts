import { DEFAULT_LIMITS, KvsError, stringValue } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import { NotedOperations } from '../testing/noted-operations.js';
import { REFUSALS } from '../testing/refusals.js';
import { SlowCommand } from '../testing/slow-command.js';
import type { RawClient } from '../testing/raw-client.js';
import { TestRedis } from '../testing/test-redis.js';
import { Transaction } from './transactions.js';

const MIB = 2 ** 20;

describe('WATCH and EXEC, if values are large', () => {
  it.each(REFUSALS)('read fewer at a time, and do not fail: %s', async (_, refuse) => {
    const operations = new NotedOperations();
    const fetch = operations.fetch.bind(operations);
    operations.fetch = (keys, maxBytes = Infinity) => {
      const bytes = keys.reduce((sum, { data }) => sum + (data.startsWith('large') ? 101 : 10), 0);
      return bytes > maxBytes ? refuse(keys) : fetch(keys);
    };
    const server = await TestRedis.start({ operations, limits: { maxAnswerBytes: 100 } });
    const client = await server.connect();
    const batches = ['a', 'b c', 'large', 'd e', 'f g'].map((keys) => `fetch ${keys}`);
    expect(await client.ask('watch a b c large d e f g', 'multi', 'exec')).toBe('+OK\r\n+OK\r\n*0\r\n');
    expect(operations.batches).toEqual([...batches, ...batches]);
    client.send('watch a b\r\nmulti\r\n');
    await client.readTo('+OK\r\n+OK\r\n');
    await (await server.connect()).ask('set b 1');
    expect(await client.ask('exec')).toBe('*-1\r\n');
    await server.close();
  });

  it.each(REFUSALS)('read little in vain: %s', async (_, refuse) => {
    const operations = new NotedOperations();
    const value = stringValue('x'.repeat(MIB));
    let refused = 0;
    operations.fetch = (keys, maxBytes = Infinity) => {
      if (keys.length * MIB <= maxBytes) return keys.map(() => ({ ok: true, entry: { value, version: 1 } }));
      refused++;
      return refuse(keys);
    };
    const server = await TestRedis.start({ operations });
    const client = await server.connect();
    const keys = Array.from({ length: 1024 }, (_key, i) => `k${i}`);
    expect(await client.ask(`watch ${keys.join(' ')}`)).toBe('+OK\r\n');
    expect(refused).toBeLessThan(5);
    await server.close();
  });
});

it('WATCH reads many small values with few calls', async () => {
  const operations = new NotedOperations();
  const server = await TestRedis.start({ operations });
  const client = await server.connect();
  await client.ask(`watch ${Array.from({ length: 5000 }, (_, i) => `k${i}`).join(' ')}`);
  expect(operations.batches).toHaveLength(5);
  await server.close();
});

it('refuses a transaction of more keys than a command has, and EXEC then runs none', async () => {
  const operations = new NotedOperations();
  const server = await TestRedis.start({ operations, limits: { maxBatchItems: 2 } });
  const client = await server.connect();
  expect(await client.ask('multi', 'exists a b c', 'get d', 'exec')).toBe(
    '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:0\r\n$-1\r\n',
  );
  expect(await client.ask('multi', 'exists a b c', 'ping', 'mset d 1 e 1', 'exec', 'exists d')).toBe(
    '+OK\r\n+QUEUED\r\n+QUEUED\r\n-ERR a transaction has at most 4 keys\r\n' +
      '-EXECABORT Transaction discarded because of previous errors.\r\n:0\r\n',
  );
  await server.close();
});

it('refuses a transaction of more bytes than a request, and EXEC then runs none', async () => {
  const server = await TestRedis.start({ operations: new NotedOperations(), limits: { maxBodyBytes: 3000 } });
  const client = await server.connect();
  const value = 'x'.repeat(1000);
  expect(
    await client.ask('multi', `set a ${value}`, `set b ${value}`, `set c ${value}`, 'exec', 'get a'),
  ).toBe(
    '+OK\r\n+QUEUED\r\n+QUEUED\r\n-ERR a transaction has at most 3000 bytes\r\n' +
      '-EXECABORT Transaction discarded because of previous errors.\r\n$-1\r\n',
  );
  await server.close();
});

it.each([['a client'], ['a client that watches keys']])('EXEC of %s reports a defect', async (name) => {
  const defect = new TypeError('a defect');
  const run = () => Promise.reject(defect);
  const server = await TestRedis.start({
    operations: new NotedOperations(),
    commands: [{ name: 'break', arity: 1, flags: [], run }],
  });
  const client = await server.connect();
  if (name.includes('watches')) await client.ask('watch k');
  expect(await client.ask('multi', 'break', 'exec')).toBe(
    '+OK\r\n+QUEUED\r\n-ERR an unexpected error; the log says more\r\n',
  );
  expect(server.errors).toEqual([defect]);
  await server.close();
});

describe('if replies take more bytes than an answer', () => {
  let operations: NotedOperations;
  let server: TestRedis;
  let client: RawClient;
  beforeEach(async () => {
    operations = new NotedOperations();
    server = await TestRedis.start({ operations, limits: { maxAnswerBytes: 1024 } });
    client = await server.connect();
  });
  afterEach(() => server.close());

  it.each([
    ['64 bytes', 'get k', 17],
    ['700 bytes more for an error', 'incrby k what', 2],
  ])(
    'EXEC counts %s for each reply, and runs no more commands beyond the limit',
    async (_, command, count) => {
      const replies = await client.ask('multi', ...Array<string>(20).fill(command), 'exec');
      expect(replies.match(/take more than 1024 bytes; this did not run/g)).toHaveLength(20 - count);
      expect(replies).toMatch(/^\+OK\r\n(\+QUEUED\r\n){20}\*20\r\n/);
    },
  );

  it.each([['a client'], ['a client that watches keys']])('MGET in EXEC of %s fails', async (name) => {
    operations.fetch = (keys, maxBytes = Infinity) => {
      if (500 * keys.length > maxBytes) throw new KvsError('answer_too_large', 'too large');
      return keys.map(() => ({ ok: true, entry: null }));
    };
    if (name.includes('watches')) await client.ask('watch w');
    expect(await client.ask('multi', 'mget a b c', 'mget a b', 'exec')).toBe(
      '+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n-ERR too large\r\n*2\r\n$-1\r\n$-1\r\n',
    );
  });
});

it('a transaction has its own copies of arguments', () => {
  const transaction = new Transaction(DEFAULT_LIMITS);
  const key = Buffer.from('k');
  transaction.add({ ...new SlowCommand(), keys: { first: 1, last: -1, step: 1 } }, [key]);
  key.fill('z');
  expect(transaction.keys.map(String)).toEqual(['k']);
});

describe('WATCH', () => {
  let operations: NotedOperations;
  let server: TestRedis;
  let client: RawClient;
  beforeEach(async () => {
    operations = new NotedOperations();
    server = await TestRedis.start({
      operations,
      limits: { maxBatchItems: 3 },
    });
    client = await server.connect();
  });
  afterEach(() => server.close());

  it('fetches only keys that are not watched yet', async () => {
    await client.ask('watch a b a', 'watch a', 'watch b c');
    expect(operations.batches).toEqual(['fetch a b', 'fetch c']);
  });

  it('refuses more keys than a batch has, and the keys before stay watched', async () => {
    const replies = await client.ask('watch a b', 'watch c d', 'watch c', 'multi', 'exec');
    expect(replies).toBe('+OK\r\n-ERR a client watches at most 3 keys\r\n+OK\r\n+OK\r\n*0\r\n');
    expect(operations.batches).toEqual(['fetch a b', 'fetch c', 'fetch a b c']);
  });
});

it.each([
  ['its keys', ['multi', 'slow k']],
  ['the keys that its client watches', ['watch k', 'multi', 'slow']],
])('EXEC lets other clients run in between, but none on %s', async (_, begin) => {
  const slow = Object.assign(new SlowCommand(), { keys: { first: 1, last: -1, step: 1 }, arity: -1 });
  const server = await TestRedis.start({
    operations: new NotedOperations(),
    commands: [slow],
  });
  const [client, other, waiting] = [await server.connect(), await server.connect(), await server.connect()];
  const counts: number[] = [];
  slow.onFirst = () => {
    for (const [asks, command] of [
      [other, 'get other'],
      [waiting, 'get k'],
    ] as const)
      void asks.ask(command).then(() => counts.push(slow.count));
  };
  await client.ask(...begin, ...Array<string>(59).fill('slow'), 'exec');
  await until(() => counts.length === 2);
  expect(counts[0]).toBeLessThan(60);
  expect(counts[1]).toBe(60);
  await server.close();
});

describe('EXEC of a client that watches keys, if it ran nothing', () => {
  const operations = new NotedOperations();
  const DISCARDED = '-EXECABORT Transaction discarded because of:';
  let server: TestRedis;
  let client: RawClient;

  beforeEach(async () => {
    server = await TestRedis.start({
      operations,
      budget: { maxInFlightRequests: 1 },
    });
    client = await server.connect();
    client.send('watch k\r\nmulti\r\nset k 1\r\n');
    await client.readTo('+QUEUED\r\n');
  });
  afterEach(() => server.close());

  it('answers an error after which no client repeats the transaction without its WATCH', async () => {
    server.admission.enter(0);
    expect(await client.ask('exec')).toBe(`${DISCARDED} TRYAGAIN 1 requests are in flight\r\n`);
    expect(await client.ask('multi', 'exec')).toBe('+OK\r\n-TRYAGAIN 1 requests are in flight\r\n');
  });

  it('does so too if the watched keys cannot be read', async () => {
    const { fetch } = operations;
    operations.fetch = () => {
      operations.fetch = fetch;
      throw new KvsError('node_unavailable', 'no node');
    };
    expect(await client.ask('exec', 'multi', 'exec')).toBe(
      `${DISCARDED} CLUSTERDOWN no node\r\n+OK\r\n*0\r\n`,
    );
  });

  it('answers an error of its own arguments as Redis does, and ends WATCH, also without MULTI', async () => {
    const abort = `${DISCARDED} wrong number of arguments for 'exec' command\r\n`;
    expect(await client.ask('discard', 'watch k', 'exec x')).toBe(`+OK\r\n+OK\r\n${abort}`);
    await (await server.connect()).ask('set k 2');
    expect(await client.ask('multi', 'exec')).toBe('+OK\r\n*0\r\n');
  });

  it('answers an error of its own arguments, or of a command that clients do not repeat, as Redis does', async () => {
    expect(await client.ask('exec x', 'watch k', 'multi', 'what', 'exec')).toBe(
      `${DISCARDED} wrong number of arguments for 'exec' command\r\n+OK\r\n+OK\r\n` +
        "-ERR unknown command 'what', with args beginning with: \r\n" +
        '-EXECABORT Transaction discarded because of previous errors.\r\n',
    );
  });
});
