import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { MapOperations, until } from '@kvs/protocol/testing';
import { TestServer } from '../testing/test-server.js';
import { sendProgress } from '@kvs/server';

const TIMEOUT_MS = 100;

let server: TestServer;
let clients: Socket[];
beforeEach(() => (clients = []));
afterEach(async () => {
  for (const client of clients) client.destroy();
  await server.stop();
});

function open(text: string): Socket {
  const client = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
  client.on('error', () => undefined); // some are reset
  client.setEncoding('latin1').write(text);
  clients.push(client);
  return client;
}

/** Resolves also when the connection is reset, which is an error to its client. */
function closed(client: Socket): Promise<void> {
  return new Promise((resolve) => client.once('close', () => resolve()));
}

/** All that the server sends until it closes. */
async function answerTo(client: Socket): Promise<string> {
  let answer = '';
  client.on('data', (text: string) => (answer += text));
  await closed(client);
  return answer;
}

const upload = (path: string, headers: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n\r\n${body}`;

/** Resolves when a client that stalls from now on has been cut. A client that is served for longer than that is never cut. */
async function outlast(): Promise<void> {
  for (let i = 0; i < 3; i++) await answerTo(open(upload('/query', 'Content-Length: 10', '[')));
}

describe.each([true, false])('with the fast path %s', (fastLane) => {
  it.each([
    ['a length', 'Content-Length: 10', '['],
    ['chunks', 'Transfer-Encoding: chunked', '1\r\n[\r\n'],
  ])('a body of %s that does not go on is answered 408', async (_, headers, body) => {
    const operations = new MapOperations();
    server = await TestServer.start(operations, { settings: { fastLane, bodyTimeoutMs: TIMEOUT_MS } });
    const answer = await answerTo(open(upload('/query', headers, body)));
    expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*connection: close[\s\S]*"code":"request_timeout"/i);
    expect(server.admission.load).toMatchObject({ requests: 0, requestBytes: 0 });
  });

  it('a body that goes on, but slower than the lowest speed, is answered 408', async () => {
    const settings = { fastLane, bodyTimeoutMs: TIMEOUT_MS, minBodyRate: 1_000_000 };
    server = await TestServer.start(new MapOperations(), { settings });
    const client = open(upload('/query', 'Content-Length: 4000', ''));
    const timer = setInterval(() => client.write(' '), 1);
    const answer = await answerTo(client).finally(() => clearInterval(timer));
    expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"request_timeout"/);
  });

  it('a body that comes fast and then no more is answered 408, however much came before', async () => {
    const settings = { fastLane, bodyTimeoutMs: TIMEOUT_MS, minBodyRate: 1 };
    server = await TestServer.start(new MapOperations(), { settings });
    const client = open(upload('/query', 'Content-Length: 4000', ' '));
    let left = 300;
    const timer = setInterval(() => left-- > 0 && client.write(' '.repeat(10)), 1);
    const answer = await answerTo(client).finally(() => clearInterval(timer));
    expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"request_timeout"/);
  });

  it('a body that goes on arriving is not cut', async () => {
    const settings = { fastLane, bodyTimeoutMs: TIMEOUT_MS, minBodyRate: 100 };
    server = await TestServer.start(new MapOperations(), { settings });
    const client = open(upload('/query', 'Content-Length: 4000\r\nConnection: close', '['));
    let left = 3998;
    const timer = setInterval(() => left > 1000 && client.write(' ', () => left--), 1);
    await outlast();
    clearInterval(timer);
    await new Promise((written) => client.write('', written));
    client.write(`${' '.repeat(left)}]`);
    expect(await answerTo(client)).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe('an answer', () => {
  /** Operations whose scans have these items. */
  function scanning(lines: () => AsyncGenerator<Uint8Array, void>) {
    const operations = new MapOperations();
    const ended = new Promise<void>((resolve) => {
      operations.scan = () => Promise.resolve({ lines: lines(), missingNodes: [], close: () => resolve() });
    });
    return { operations, ended };
  }

  it('that is not read loses its connection', async () => {
    const { operations, ended } = scanning(async function* () {
      for (;;) {
        await setImmediate();
        yield Buffer.alloc(64 * 1024, ',1\n');
      }
    });
    const settings = { answerTimeoutMs: TIMEOUT_MS };
    server = await TestServer.start(operations, { settings });
    const client = open('GET /fetch HTTP/1.1\r\nHost: test\r\n\r\n').pause();
    await ended;
    await server.budget.drain();
    client.resume();
    await closed(client);
  });

  it('that waits for the server is not cut', async () => {
    let finish: (() => void) | undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const { operations } = scanning(async function* () {
      yield Buffer.from(',1\n');
      await finished;
      yield Buffer.from(',2\n');
    });
    const settings = { answerTimeoutMs: TIMEOUT_MS, bodyTimeoutMs: TIMEOUT_MS };
    server = await TestServer.start(operations, { settings });
    const slow = answerTo(open('GET /fetch HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n'));
    await outlast();
    finish?.();
    expect(await slow).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\n0\r\n\r\n$/);
  });
});

it('the counter grows when the kernel accepts a part of one large write', async () => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(listener, 'connection')) as [Socket];
  socket.on('error', () => undefined).write(Buffer.alloc(64 * 1024 * 1024));
  const before = sendProgress(socket);
  client.resume();
  await until(() => sendProgress(socket) !== before);
  expect(socket.writableLength).toBe(64 * 1024 * 1024);
  client.destroy();
  socket.destroy();
  listener.close();
});

it('headers that do not come are answered 408', async () => {
  server = await TestServer.start(new MapOperations(), { settings: { headersTimeoutMs: TIMEOUT_MS } });
  const answer = await answerTo(open('GET /fetch HTTP/1.1\r\n'));
  expect(answer).toMatch(/^HTTP\/1.1 408 [\s\S]*"code":"request_timeout"/);
});
