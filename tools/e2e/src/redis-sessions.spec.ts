import { setImmediate } from 'node:timers/promises';
import { binaryKey, binaryValue, stringKey, stringValue, type Key } from '@kvs/protocol';
import { startInProcess, type InProcessRedis } from './support/in-process-redis.js';
import { RespClient, type RespReply } from './support/resp-client.js';

let server: InProcessRedis;
const clients: RespClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
  expect(server.errors).toEqual([]);
});

async function connect(): Promise<RespClient> {
  const client = await RespClient.open(server.port, 2);
  clients.push(client);
  return client;
}

const textsOf = ({ items = [] }: RespReply): unknown[] => items.map(({ text }) => text);

describe('a transaction over a store that answers later', () => {
  beforeEach(async () => {
    server = await startInProcess({ later: true });
  });

  it('is never seen half done, and loses no update of another client', async () => {
    const [one, other, single, reader] = [await connect(), await connect(), await connect(), await connect()];
    const rounds = 20;
    const transact = async (client: RespClient): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const replies = await client.ask([
          ['MULTI'],
          ['INCR', 'a'],
          ['INCR', 'b'],
          ['MGET', 'a', 'b'],
          ['EXEC'],
        ]);
        const [a, b, both] = replies[4]?.items ?? [];
        expect([b?.text, both && textsOf(both)]).toEqual([a?.text, [a?.text, a?.text]]);
      }
    };
    const read = async (): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const [both] = await reader.ask([['MGET', 'a', 'b']]);
        const [a, b] = both === undefined ? [] : textsOf(both);
        expect(a).toBe(b);
      }
    };
    const count = async (): Promise<void> => {
      for (let i = 0; i < rounds; i++) await single.ask([['INCR', 'c']]);
    };
    await Promise.all([transact(one), transact(other), read(), count()]);
    const [all] = await reader.ask([['MGET', 'a', 'b', 'c']]);
    expect(all && textsOf(all)).toEqual([String(2 * rounds), String(2 * rounds), String(rounds)]);
  });

  it('does nothing if a watched key was written, over whatever protocol', async () => {
    const client = await connect();
    const key = stringKey('k');
    await client.ask([
      ['SET', 'k', '1'],
      ['WATCH', 'k'],
    ]);
    await server.operations.set([{ key, value: stringValue('1') }]);
    const replies = await client.ask([['MULTI'], ['SET', 'k', '2'], ['EXEC'], ['GET', 'k']]);
    expect(replies.slice(2)).toEqual([{ type: '*' }, { type: '$', text: '1' }]);
  });

  it('runs nothing more once its replies are too large', async () => {
    await server.close();
    server = await startInProcess({ later: true, limits: { maxAnswerBytes: 1000 } });
    const client = await connect();
    await client.ask([['SET', 'k', 'x'.repeat(400)], ['MULTI']]);
    await client.ask([...Array.from({ length: 5 }, () => ['GET', 'k']), ['SET', 'k', 'new']]);
    const [exec, get] = await client.ask([['EXEC'], ['STRLEN', 'k']]);
    const refused = 'ERR the replies before take more than 1000 bytes; this did not run';
    expect(exec && textsOf(exec).slice(3)).toEqual([refused, refused, refused]);
    expect(get?.text).toBe('400');
  });

  it('refuses more than a request may have, and runs none of it', async () => {
    await server.close();
    server = await startInProcess({ later: true, limits: { maxBodyBytes: 1000 } });
    const client = await connect();
    await client.ask([['MULTI']]);
    const sets = await client.ask(Array.from({ length: 10 }, () => ['SET', 'k', 'v']));
    expect(sets.map(({ text }) => text)).toContain('ERR a transaction has at most 1000 bytes');
    const [exec, get] = await client.ask([['EXEC'], ['GET', 'k']]);
    expect(exec?.text).toBe('EXECABORT Transaction discarded because of previous errors.');
    expect(get).toEqual({ type: '$' });
  });
});

describe('a value that another protocol writes while a command runs', () => {
  const [a, b] = [stringKey('a'), stringKey('b')];
  let client: RespClient;

  beforeEach(async () => {
    server = await startInProcess({ later: true });
    client = await connect();
  });

  /** Runs commands, and writes a value to a key after so many turns of the event loop. Returns the last reply. */
  async function meanwhile(commands: string[][], key: Key, turns: number): Promise<RespReply | undefined> {
    const [replies] = await Promise.all([
      client.ask(commands),
      (async () => {
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        await server.operations.set([{ key, value: stringValue('late') }]);
      })(),
    ]);
    return replies.at(-1);
  }

  async function values(): Promise<(string | undefined)[]> {
    const outcomes = await server.operations.fetch([a, b]);
    return outcomes.map((outcome) => (outcome.ok ? outcome.entry?.value.data : undefined));
  }

  it.each(Array.from({ length: 16 }, (_, turns) => turns))(
    'is not lost by RENAME and MSETNX, %i turns after they began',
    async (turns) => {
      await client.ask([['SET', 'a', 'early']]);
      await meanwhile([['RENAME', 'a', 'b']], a, turns);
      expect(await values()).toContain('late');
      await client.ask([['DEL', 'a', 'b']]);
      const written = await meanwhile([['MSETNX', 'a', 'early', 'b', 'early']], b, turns);
      expect(await values()).toEqual(written?.text === '1' ? ['early', 'late'] : [undefined, 'late']);
    },
  );

  it.each([
    { command: ['SET', 'b', 'mine'] },
    { command: ['SET', 'b', 'mine', 'XX'] },
    { command: ['MSET', 'b', '1', 'b', 'mine'] },
    { command: ['RENAME', 'c', 'b'] },
    { command: ['DEL', 'b', 'b'] },
  ])('is not lost by EXEC if its key is watched: $command', async ({ command }) => {
    for (let turns = 0; turns < 16; turns++) {
      await client.ask([
        ['MSET', 'b', 'early', 'c', 'mine'],
        ['WATCH', 'b'],
      ]);
      await meanwhile([['MULTI'], command, ['EXEC']], b, turns);
      expect(await values()).toEqual([undefined, 'late']);
    }
  });
});

it('pairs expire by the time that TIME tells, although the clock of the system shows another', async () => {
  let micros = 1e15;
  server = await startInProcess({ later: false, clock: { nowMicros: () => micros } });
  const client = await connect();
  const [time] = await client.ask([['TIME'], ['MSET', 'early', '1', 'late', '1', 'past', '1', 'last', '1']]);
  expect(time && textsOf(time)).toEqual(['1000000000', '0']);
  const replies = await client.ask([
    ['EXPIREAT', 'early', '1000000010'],
    ['GETEX', 'late', 'EXAT', '1000000020'],
    ['EXPIREAT', 'past', '1000000000'],
    ['GETEX', 'last', 'EXAT', '999999999'],
    ['TTL', 'early'],
    ['TTL', 'late'],
    ['EXISTS', 'past', 'last'],
  ]);
  expect(replies.map(({ text }) => text)).toEqual(['1', '1', '1', '1', '10', '20', '0']);
  micros += 15e6;
  expect(
    (
      await client.ask([
        ['EXISTS', 'early'],
        ['EXISTS', 'late'],
      ])
    ).map(({ text }) => text),
  ).toEqual(['0', '1']);
});

describe('keys and values', () => {
  beforeEach(async () => {
    server = await startInProcess({ later: false, limits: { maxValueBytes: 20, maxAnswerBytes: 100_000 } });
  });

  it('are the same pairs as over other protocols', async () => {
    const client = await connect();
    const bytes = Buffer.from([0xff, 1]);
    await client.ask([
      ['SET', 'text', 'né'],
      ['SET', bytes, bytes],
    ]);
    expect(await server.operations.fetch([stringKey('text'), binaryKey(bytes)])).toMatchObject([
      { entry: { value: stringValue('né') } },
      { entry: { value: binaryValue(bytes) } },
    ]);
    await server.operations.set([
      { key: stringKey('text'), value: binaryValue(Buffer.from('12')) },
      { key: binaryKey(Buffer.from('text')), value: stringValue('hidden') },
    ]);
    const [number, keys, size] = await client.ask([['INCR', 'text'], ['KEYS', '*'], ['DBSIZE']]);
    expect([number?.text, keys?.items?.length, size?.text]).toEqual(['13', 2, '3']);
  });

  it('are found by RANDOMKEY among many keys that this protocol cannot name', async () => {
    const client = await connect();
    const hidden = Array.from({ length: 20 }, (_, i) => binaryKey(Buffer.from(`hidden ${i}`)));
    await server.operations.set(hidden.map((key) => ({ key, value: stringValue('v') })));
    const [none, , ...found] = await client.ask([
      ['RANDOMKEY'],
      ['SET', 'the only key', 'v'],
      ...Array.from({ length: 5 }, () => ['RANDOMKEY']),
    ]);
    expect(none).toEqual({ type: '$' });
    expect(found).toEqual(found.map(() => ({ type: '$', text: 'the only key' })));
  });

  it('are replaced by SET with IFEQ only if the value is the expected one', async () => {
    const client = await connect();
    const replies = await client.ask([
      ['SET', 'k', '1', 'IFEQ', '1'],
      ['SET', 'k', '1'],
      ['SET', 'k', '2', 'IFEQ', '9', 'GET'],
      ['SET', 'k', '3', 'IFEQ', '1'],
      ['SET', 'k', '4', 'IFEQ', '3', 'NX'],
      ['GET', 'k'],
    ]);
    expect(replies.map(({ text }) => text)).toEqual([undefined, 'OK', '1', 'OK', 'ERR syntax error', '3']);
  });

  it('that are too large or empty are refused, and nothing is written', async () => {
    const client = await connect();
    const tooLarge = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
    const replies = await client.ask([
      ['SET', 'k', 'x'.repeat(21)],
      ['SETRANGE', 'k', '20', 'x'],
      ['SETRANGE', 'k', '9223372036854775807', 'x'],
      ['APPEND', 'k', 'x'.repeat(20)],
      ['APPEND', 'k', 'x'],
      ['SET', '', 'x'],
      ['STRLEN', 'k'],
    ]);
    expect(replies.map(({ text }) => text)).toEqual([
      ...[tooLarge, tooLarge, tooLarge, '20', tooLarge],
      ...['ERR a key has at least one byte', '20'],
    ]);
  });

  it('come once in a scan, whatever the size of a page, and all together only if the answer is not too large', async () => {
    const client = await connect();
    const count = 3000;
    await client.ask(Array.from({ length: count }, (_, i) => ['SET', `key ${i}`, 'v']));
    /** Returns the keys of each page. */
    const scan = async (pageSize: number): Promise<unknown[][]> => {
      const pages: unknown[][] = [];
      let cursor = '0';
      do {
        const [reply] = await client.ask([['SCAN', cursor, 'COUNT', `${pageSize}`, 'MATCH', 'key *']]);
        cursor = reply?.items?.[0]?.text ?? '0';
        pages.push(reply?.items?.[1] ? textsOf(reply.items[1]) : []);
      } while (cursor !== '0');
      return pages;
    };
    const pages = await scan(50);
    const found = pages.flat();
    expect([found.length, new Set(found).size]).toEqual([count, count]);
    expect(pages.length).toBeGreaterThan(10);
    const [keys, random] = await client.ask([['KEYS', 'key 1*'], ['RANDOMKEY']]);
    expect(keys?.items?.length).toBe(1 + 10 + 100 + 1000);
    expect(random?.text).toMatch(/^key \d+$/);
    await client.ask([['SET', 'x'.repeat(4000), 'v']]);
    await client.ask(Array.from({ length: count }, (_, i) => ['SET', `key number ${i} of very many`, 'v']));
    const [tooMany] = await client.ask([['KEYS', '*']]);
    expect(tooMany?.text).toMatch(/^ERR the keys take more than 100000 bytes/);
    const largePages = await scan(10_000);
    expect(largePages.length).toBeGreaterThan(1);
    expect([largePages.flat().length, new Set(largePages.flat()).size]).toEqual([2 * count, 2 * count]);
  });
});
