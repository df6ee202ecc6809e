import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { MapOperations, until } from '@kvs/protocol/testing';
import { chunked, exchangeBytes, requestBytes } from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';
import { closeInStages } from './closing.js';

const MAX_BODY_BYTES = 4096;
const UPGRADE = { connection: 'Upgrade', upgrade: 'h2c' };
const LARGE = Buffer.alloc(16 * 1024 * 1024, ' ');

/** Sends all before it reads anything, as simple clients do, and must not fail at that. */
async function sendBlindly(socket: Socket, bytes: Uint8Array): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(bytes, () => resolve());
  });
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'close');
  return Buffer.concat(parts).toString();
}

it.each([
  ['goes on without end', { maxMs: 2 ** 31 - 1, maxBytes: 1_000_000 }],
  ['does not close its side', { maxMs: 50, maxBytes: Infinity }],
])('a client that %s after the server has closed is cut', async (_, limits) => {
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    closeInStages(socket, '', limits);
  });
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const { port } = listener.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined).resume();
  const closed = new Promise((resolve) => client.once('close', resolve));
  const send = (): void => void client.write(LARGE.subarray(0, 10_000), (error) => !error && send());
  send();
  await closed;
  listener.close();
});

describe.each([true, false])('with the fast path %s', (fastLane) => {
  let server: TestServer;
  let operations: MapOperations;
  beforeEach(async () => {
    operations = new MapOperations();
    server = await TestServer.start(operations, { settings: { fastLane } });
  });
  afterEach(() => server.stop());

  const open = (): Socket => connect(server.port, '127.0.0.1');

  it.each([
    ['a body that is announced too large', requestBytes({ method: 'PUT', path: '/set', body: LARGE }), 413],
    [
      'a chunked body that grows too large',
      requestBytes({
        method: 'PUT',
        path: '/keys/k',
        headers: { 'transfer-encoding': 'chunked' },
        body: chunked(LARGE.toString()),
      }),
      413,
    ],
    [
      'a body in an unknown content encoding',
      requestBytes({ method: 'PUT', path: '/keys/k', headers: { 'content-encoding': 'br' }, body: 'v' }),
      415,
    ],
    [
      'bytes behind a request for an upgrade that is ignored',
      Buffer.concat([requestBytes({ method: 'GET', path: '/health/live', headers: UPGRADE }), LARGE]),
      200,
    ],
    ['bytes that are not HTTP', Buffer.concat([Buffer.from('hello\r\n\r\n'), LARGE]), 400],
  ])('a client that sends %s to its end gets the answer', async (_, bytes, status) => {
    expect(await sendBlindly(open(), bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });

  it('a client gets the refusal of a full server', async () => {
    const full = await TestServer.start(operations, { settings: { fastLane, maxInFlightRequests: 1 } });
    const first = connect(full.port, '127.0.0.1');
    first.write(requestBytes({ method: 'PUT', path: '/set', body: '[]' }).subarray(0, -1));
    await until(() => full.admission.load.requests > 0);
    const bytes = requestBytes({ method: 'PUT', path: '/set', body: LARGE.subarray(0, MAX_BODY_BYTES) });
    expect(await sendBlindly(connect(full.port, '127.0.0.1'), bytes)).toMatch(/^HTTP\/1.1 503 /);
    first.destroy();
    await full.stop();
  });

  it.each(['/set', '/keys/k', '/unknown'])(
    'a body to %s is refused when it passes the limit',
    async (path) => {
      const socket = open();
      socket.write(`PUT ${path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n`);
      socket.write(`1001\r\n${' '.repeat(MAX_BODY_BYTES + 1)}`); // and nothing more
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
      socket.destroy();
    },
  );

  it('nothing that comes behind a refused body is done', async () => {
    const write = requestBytes({ method: 'PUT', path: '/keys/k', body: 'v' });
    const refused = requestBytes({ method: 'PUT', path: '/keys/k', body: LARGE.subarray(0, 5000) });
    const answers = await exchangeBytes(server.port, [Buffer.concat([refused, write])]);
    expect(answers.match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 413']);
    expect(operations.pairs.size).toBe(0);
  });

  it('a client that closes its sending half gets the answers to what it sent', async () => {
    const requests = [
      requestBytes({ method: 'PUT', path: '/keys/k', body: 'v' }),
      requestBytes({ method: 'GET', path: '/keys/k' }),
    ];
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(Buffer.concat(requests));
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    await once(socket, 'end');
    socket.destroy();
    expect(Buffer.concat(parts).toString()).toMatch(/^HTTP\/1.1 201 [\s\S]*HTTP\/1.1 200 [\s\S]*\r\n\r\nv$/);
  });

  it('a client that closes its sending half before the end of its body gets an answer', async () => {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(requestBytes({ method: 'PUT', path: '/keys/k', body: 'value' }).subarray(0, -1));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 [\s\S]*"code":"invalid_request"/);
    expect(operations.pairs.size).toBe(0);
  });

  it('a request with more than 1,000 headers is refused, and no header is ignored', async () => {
    const headersTo = (count: number): string => 'x:\r\n'.repeat(count - 3); // host, if-none-match, content-length
    const put = (count: number): Buffer =>
      Buffer.from(
        `PUT /keys/k HTTP/1.1\r\nHost: test\r\n${headersTo(count)}If-None-Match: *\r\nContent-Length: 1\r\n\r\nv`,
      );
    await exchangeBytes(server.port, [
      requestBytes({ method: 'PUT', path: '/keys/k', headers: { connection: 'close' }, body: 'old' }),
    ]);
    const socket = open();
    socket.write(Buffer.concat([put(1000), put(1001)]));
    const parts: Buffer[] = [];
    socket.on('data', (part: Buffer) => parts.push(part));
    await once(socket, 'close');
    const answers = Buffer.concat(parts).toString();
    expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 412', 'HTTP/1.1 431']);
    expect(answers).toContain('"code":"headers_too_large"');
    expect([...operations.pairs.values()].map(({ value }) => value.data)).toEqual(['old']);
  });
});
