import { MapOperations } from '@kvs/protocol/testing';
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
