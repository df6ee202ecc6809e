import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { keyId, stringKey, stringValue } from '@kvs/protocol';
import { MapOperations, until } from '@kvs/protocol/testing';
import { jsonOf, TestServer } from '../testing/test-server.js';

const MAX_IN_FLIGHT_BYTES = 1000;

let server: TestServer;
let slow: Socket[];
beforeEach(async () => {
  slow = [];
  server = await TestServer.start(new MapOperations(), {
    settings: { maxInFlightBytes: MAX_IN_FLIGHT_BYTES },
  });
});
afterEach(async () => {
  for (const socket of slow) socket.destroy();
  await server.stop();
});

/** A client that sends a part of a body. Resolves when the server has read so much. */
async function sendPart(announced: number, sent: number): Promise<void> {
  const before = server.admission.load;
  const socket = connect(server.port, '127.0.0.1');
  slow.push(socket);
  socket.write(`PUT /set HTTP/1.1\r\nHost: test\r\nContent-Length: ${announced}\r\n\r\n${' '.repeat(sent)}`);
  const isRead = ({ requests, requestBytes } = server.admission.load): boolean =>
    requests > before.requests && requestBytes === before.requestBytes + sent;
  await until(isRead);
}

describe('while bodies fill the budget', () => {
  beforeEach(() => sendPart(MAX_IN_FLIGHT_BYTES + 1, MAX_IN_FLIGHT_BYTES));

  it('another body is refused as overloaded', async () => {
    const answer = await server.sendJson('POST', '/query', []);
    expect([answer.status, jsonOf(answer)]).toMatchObject([503, { code: 'overloaded' }]);
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('a request without a body is served', async () => {
    expect((await server.send('GET', '/fetch')).status).toBe(200);
  });
});

it('bodies that are announced and do not arrive leave room for others', async () => {
  for (let i = 0; i < 8; i++) await sendPart(4096, 0);
  expect((await server.sendJson('POST', '/query', [])).status).toBe(200);
});

it('a body that arrives when others fill the budget is refused, and its bytes are released', async () => {
  await sendPart(900, 0);
  await sendPart(900, 300);
  const [first, second] = slow;
  if (first === undefined || second === undefined) throw new TypeError('there are two');
  let answer = '';
  first.setEncoding('latin1').on('data', (text: string) => (answer += text));
  first.write(' '.repeat(800));
  await once(first, 'end');
  expect(answer).toMatch(/^HTTP\/1.1 503 [\s\S]*"code":"overloaded"/);
  await until(() => server.admission.load.requests <= 1);
  expect(server.admission.load.requestBytes).toBe(300);
  second.destroy();
});

it('while unread answers exceed the budget, further requests are refused', async () => {
  const operations = new MapOperations();
  const key = stringKey('large');
  // More than the buffers at both ends of a connection hold.
  operations.pairs.set(keyId(key), { key, value: stringValue('v'.repeat(32 * 1024 * 1024)), version: 1 });
  const full = await TestServer.start(operations, { settings: { maxInFlightBytes: 1024 * 1024 } });
  const reader = connect(full.port, '127.0.0.1').pause();
  try {
    reader.write('GET /keys/large HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => full.admission.load.unreadBytes > 0);
    const answer = await full.send('GET', '/keys/other');
    expect([answer.status, jsonOf(answer)]).toMatchObject([503, { code: 'overloaded' }]);
    expect((await full.send('GET', '/health/live')).status).toBe(200);
    reader.resume();
    await until(() => full.admission.load.unreadBytes === 0);
    expect((await full.send('GET', '/keys/other')).status).toBe(404);
  } finally {
    reader.destroy();
    await full.stop();
  }
});

describe('pairs that clients do not read', () => {
  const CHUNK_BYTES = 1024 * 1024;
  let large: TestServer;

  beforeEach(async () => {
    const operations = new MapOperations();
    operations.scan = () =>
      Promise.resolve({ missingNodes: [], lines: largeLines(), close: () => undefined });
    large = await TestServer.start(operations, { settings: { maxInFlightBytes: CHUNK_BYTES } });
  });
  afterEach(() => large.stop());

  async function* largeLines(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 64; i++) {
      await setImmediate();
      yield Buffer.alloc(CHUNK_BYTES, ',1\n');
    }
  }

  function ask(path: string): void {
    const socket = connect(large.port, '127.0.0.1').pause();
    slow.push(socket);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`);
  }

  async function expectFull(): Promise<void> {
    const answer = await large.send('GET', '/keys/other');
    expect([answer.status, jsonOf(answer)]).toMatchObject([503, { code: 'overloaded' }]);
    for (const socket of slow) socket.destroy();
    await until(() => large.admission.load.requests === 0);
    expect(large.admission.load).toEqual({ requests: 0, requestBytes: 0, unreadBytes: 0 });
    expect((await large.send('GET', '/keys/other')).status).toBe(404);
  }

  it('are counted while a page is held, until the response closes', async () => {
    ask('/fetch?cursor=4095&limit=1');
    await until(() => large.admission.load.requestBytes >= 8 * CHUNK_BYTES);
    await expectFull();
  });

  it('are counted while a scan waits for its client', async () => {
    ask('/fetch');
    await until(() => large.admission.load.unreadBytes >= CHUNK_BYTES);
    await expectFull();
  });

  it('end a page for which there is no room', async () => {
    large.admission.addIncomplete(CHUNK_BYTES);
    const answer = await large.send('GET', '/fetch?cursor=4095&limit=1');
    expect([answer.status, jsonOf(answer)]).toMatchObject([503, { code: 'overloaded' }]);
    expect(large.admission.load).toEqual({ requests: 0, requestBytes: CHUNK_BYTES, unreadBytes: 0 });
  });
});
