import { linesFrom, MapOperations } from '@kvs/protocol/testing';
import type { RawClient } from '../testing/raw-client.js';
import { TestRedis, type TestRedisOptions } from '../testing/test-redis.js';

let server: TestRedis;
afterEach(() => server.close());

/** Starts a server whose scans find these keys in one chunk. */
async function start(keys: readonly string[], options: TestRedisOptions = {}): Promise<void> {
  const operations = new MapOperations();
  const lines = keys.map((data) => `${JSON.stringify({ key: { encoding: 'string', data } })}\n`).join('');
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines);
  }
  operations.scan = async () => ({ missingNodes: [], lines: chunks(), close: () => undefined });
  server = await TestRedis.start({ operations, ...options });
}

it.each(['keys', 'scan 0 match', 'config get a', 'command list filterby pattern'])(
  '%s refuses patterns that are more than 4 times as long as a key',
  async (command) => {
    await start(['k'], { limits: { maxKeyBytes: 10 } });
    const client = await server.connect();
    expect(await client.ask(`${command} ${'x'.repeat(39)}`)).toMatch(/^\*/);
    expect(await client.ask(`${command} ${'x'.repeat(41)}`)).toBe(
      '-ERR patterns have at most 40 bytes, 4 times as many as a key\r\n',
    );
  },
);

it.each([
  ['scan 0', true],
  ['scan 0 type STRING', true],
  ['scan 0 type hash', false],
  ['scan ""', true],
  ['scan -1', false],
])('%s finds keys: %s', async (command, hasKeys) => {
  await start(['key']);
  const reply = await (await server.connect()).ask(command);
  expect(reply).toMatch(/^\*2\r\n\$1\r\n0\r\n\*/);
  expect(reply.includes('key')).toBe(hasKeys);
});

it.each(['scan +', 'scan x', 'scan 18446744073709551616'])('%s fails', async (command) => {
  await start(['key']);
  expect(await (await server.connect()).ask(command)).toBe('-ERR invalid cursor\r\n');
});

it.each(['keys', 'scan 0 match'])(
  '%s lets others run while keys are compared with a pattern',
  async (command) => {
    await start(Array.from({ length: 5 }, (_, i) => `${i}${'x'.repeat(4000)}`));
    const [client, other] = [await server.connect(), await server.connect()];
    const order: string[] = [];
    await Promise.all([
      client.ask(`${command} *${'x'.repeat(2000)}y`).then(() => order.push('compared')),
      other.ask('ping').then(() => order.push('pong')),
    ]);
    expect(order).toEqual(['pong', 'compared']);
  },
);

describe('if the keys of one partition take more bytes than an answer', () => {
  const refusal = '-ERR the keys of one partition take more than 100 bytes; ask for some with MATCH\r\n';
  const keys = Array.from({ length: 20 }, (_, i) => `{tag}${i}`);

  it('SCAN finds some of them with MATCH, or by another type, and tells so otherwise', async () => {
    await start(keys, { limits: { maxAnswerBytes: 100 } });
    const client = await server.connect();
    expect(
      await client.ask('scan 0', 'scan 0 match {tag}*', 'scan 0 match {tag}17', 'scan 0 type list'),
    ).toBe(`${refusal}${refusal}*2\r\n$1\r\n1\r\n*1\r\n$7\r\n{tag}17\r\n*2\r\n$1\r\n1\r\n*0\r\n`);
  });

  it.each([
    ['keys *', '-ERR the keys take more than 1000 bytes; use SCAN\r\n'],
    ['scan 0', '-ERR the keys of one partition take more than 1000 bytes; ask for some with MATCH\r\n'],
  ])('%s counts what a short key takes besides its bytes', async (command, refusal) => {
    await start(keys, { limits: { maxAnswerBytes: 1000 } });
    expect(await (await server.connect()).ask(command)).toBe(refusal);
  });

  it('RANDOMKEY returns each of them now and then', async () => {
    await start(keys, { limits: { maxAnswerBytes: 100 } });
    const replies = await (await server.connect()).ask(...Array<string>(400).fill('randomkey'));
    expect(new Set(replies.match(/\{tag\}\d+/g)).size).toBe(keys.length);
  });
});

describe('if each partition has one key', () => {
  let client: RawClient;
  let openScans = 0;
  const scanned: unknown[] = [];

  async function startFull(options: TestRedisOptions): Promise<void> {
    const operations = new MapOperations();
    operations.scan = async ({ partitions = [], values, partial }) => {
      openScans++;
      scanned.push({ values, partial });
      return { missingNodes: [], lines: linesFrom(partitions.map(lineOf)), close: () => openScans-- };
    };
    server = await TestRedis.start({ operations, ...options });
    client = await server.connect();
  }

  function lineOf(partition: number): string {
    return `${JSON.stringify({ key: { encoding: 'string', data: `key-${partition}` } })}\n`;
  }

  /** Returns the keys of each page of a whole SCAN. */
  async function pagesOf(options: string): Promise<string[][]> {
    const pages: string[][] = [];
    let cursor = '0';
    do {
      const reply = await client.ask(`scan ${cursor} ${options}`);
      cursor = /^\*2\r\n\$\d+\r\n(\d+)\r\n/.exec(reply)?.[1] ?? '0';
      pages.push(reply.match(/key-\d+/g) ?? []);
    } while (cursor !== '0');
    return pages;
  }

  const all = Array.from({ length: 4096 }, (_, partition) => `key-${partition}`);

  it('SCAN returns each key once, and reads few more than it is asked for', async () => {
    await startFull({});
    for (const options of ['count 100', 'count 100 match key-*7']) {
      const pages = await pagesOf(options);
      expect(pages.flat()).toEqual(options.endsWith('7') ? all.filter((key) => key.endsWith('7')) : all);
      expect(pages).toHaveLength(Math.ceil(4096 / (1 + 4 + 16 + 64 + 256)));
    }
    expect(openScans).toBe(0);
    expect(new Set(scanned.map((each) => JSON.stringify(each)))).toEqual(
      new Set([JSON.stringify({ values: false, partial: false })]),
    );
  });

  it('SCAN ends a page before its keys take more bytes than an answer', async () => {
    await startFull({ limits: { maxAnswerBytes: 3000 } });
    const pages = await pagesOf('count 100000');
    expect(pages.flat()).toEqual(all);
    expect(Math.max(...pages.map(({ length }) => length))).toBeLessThanOrEqual(3000 / 64);
    expect(openScans).toBe(0);
  });
});

it('KEYS finds keys in chunks that end anywhere', async () => {
  const operations = new MapOperations();
  const keys = ['one', 'two', 'three'];
  const bytes = Buffer.from(
    keys.map((data) => JSON.stringify({ key: { encoding: 'string', data } })).join('\n'),
  );
  let size = 0;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    yield Buffer.from('\n');
  }
  operations.scan = async () => ({ missingNodes: [], lines: chunks(), close: () => undefined });
  server = await TestRedis.start({ operations });
  const client = await server.connect();
  for (size = 5; size < 60; size += 11) expect((await client.ask('keys *')).match(/[a-z]+/g)).toEqual(keys);
});

it('RANDOMKEY returns null if there are no keys', async () => {
  await start([]);
  expect(await (await server.connect()).ask('randomkey')).toBe('$-1\r\n');
});
