import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KvsError } from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { chunked, exchangeBytes, requestBytes } from '../testing/raw-exchange.js';
import { TestServer } from '../testing/test-server.js';
import { RequestOrder } from './request-order.js';
import { handleUpgrades, upgradableAt, upgradeRequired, type UpgradeHandler } from './upgrades.js';

let server: Server;
let accepted: string[];
const handler: UpgradeHandler = {
  path: '/link',
  protocol: 'test/1',
  accept: (_, socket, head) => {
    accepted.push(head.toString());
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nhello');
  },
  drain: () => Promise.resolve(),
  close: () => undefined,
};

beforeEach(async () => {
  accepted = [];
  const refuse = upgradeRequired(handler);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      // Not at once: what comes behind it has come by then.
      setImmediate(() => response.end(`${request.method} ${request.url} ${Buffer.concat(parts).toString()}`));
    });
  };
  const order = new RequestOrder(Infinity);
  server = createServer({ IncomingMessage: upgradableAt(() => handler.path) }, (request, response) => {
    order.add(request, response, () => refuse(request, response, () => answer(request, response)));
  });
  handleUpgrades(server, handler, ({ headers }) =>
    headers.origin === undefined ? undefined : new KvsError('cross_origin', 'as asked'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Returns all that the server sends back for these lines. */
async function exchange(...lines: string[]): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.write(lines.join('\r\n'));
  await once(socket, 'close');
  return text;
}

const ask = (path: string, protocol: string, connection = 'keep-alive') => [
  `GET ${path} HTTP/1.1`,
  'Host: here',
  `Connection: ${connection}, Upgrade`,
  `Upgrade: ${protocol}`,
  '',
];

it('hands a connection that asks for the protocol over, with what came after the request', async () => {
  expect(await exchange(...ask('/link', 'other, Test/1'), 'more')).toMatch(/^HTTP\/1.1 101 .*hello$/s);
  expect(accepted).toEqual(['more']);
});

it.each(['test/2', 'h2c'])('refuses %s at that path, and names its protocol', async (protocol) => {
  const text = await exchange(...ask('/link', protocol), '');
  expect(text).toMatch(
    /^HTTP\/1.1 426 Upgrade Required\r\n.*upgrade: test\/1\r\n.*"code":"upgrade_required"/s,
  );
  expect(accepted).toEqual([]);
});

it('refuses a request there that asks for no upgrade', async () => {
  const text = await exchange('GET /link HTTP/1.1', 'Host: here', 'Connection: close', '', '');
  expect(text).toMatch(/^HTTP\/1.1 426 .*"code":"upgrade_required"/s);
});

it('refuses a request there that is refused everywhere', async () => {
  const text = await exchange(
    ...ask(handler.path, 'test/1').slice(0, -1),
    'Origin: https://elsewhere.example',
    '',
    '',
  );
  expect(text).toMatch(/^HTTP\/1.1 403 .*nosniff.*"code":"cross_origin"/s);
  expect(accepted).toEqual([]);
});

it('a server that shuts down refuses the upgrade as it refuses other requests', async () => {
  const app = await TestServer.start(new MapOperations(), { upgrade: handler });
  await app.budget.drain();
  const asking = { connection: 'Upgrade', upgrade: handler.protocol };
  const text = await exchangeBytes(app.port, [
    requestBytes({ method: 'GET', path: handler.path, headers: asking }),
  ]);
  await app.stop();
  expect(text).toMatch(/^HTTP\/1.1 503 .*nosniff\r\nretry-after: 1\r\n.*"code":"shutting_down"/s);
  expect(accepted).toEqual([]);
});

const UPGRADE = { connection: 'Upgrade', upgrade: 'h2c' };

it.each([
  ['without a body', { method: 'GET', path: '/keys/a', headers: UPGRADE }, 404],
  ['with a body', { method: 'PUT', path: '/keys/a', headers: UPGRADE, body: 'v' }, 201],
  [
    'with chunks',
    {
      method: 'PUT',
      path: '/keys/a',
      headers: { ...UPGRADE, 'transfer-encoding': 'chunked' },
      body: chunked('v'),
    },
    201,
  ],
])(
  'a request %s that asks for an upgrade at another path is served, and the connection closes after it',
  async (_, request, status) => {
    const app = await TestServer.start(new MapOperations(), { upgrade: handler });
    const behind = { method: 'PUT', path: '/keys/b', body: 'v' };
    const bytes = Buffer.concat([requestBytes(request), requestBytes(behind)]);
    const answers = await exchangeBytes(app.port, [bytes, Buffer.alloc(1_000_000)]);
    await app.stop();
    expect(answers.match(/^HTTP\/1.1 \d+/gm)).toEqual([`HTTP/1.1 ${status}`]);
    expect(answers).toMatch(/^connection: close\r$/im);
  },
);

it.each([
  ['another protocol', ask('/link', 'bogus'), 426],
  [
    'a page of another origin',
    ask('/link', 'test/1').toSpliced(-1, 0, 'Origin: https://elsewhere.example'),
    403,
  ],
])('a client that goes on sending gets the refusal of %s', async (_, lines, status) => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  expect(await sendBlindly(socket, Buffer.from(lines.join('\r\n') + '\r\n'))).toMatch(
    new RegExp(`^HTTP/1.1 ${status} `),
  );
});

it('CONNECT is answered, after the requests before it', async () => {
  const app = await TestServer.start(new MapOperations());
  const head = 'CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n\r\n';
  const get = requestBytes({ method: 'GET', path: '/keys/k' });
  const answers = await sendBlindly(connect(app.port, '127.0.0.1'), Buffer.concat([get, Buffer.from(head)]));
  await app.stop();
  expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 501']);
  expect(answers).toMatch(/501 .*x-content-type-options: nosniff.*"code":"not_implemented"/s);
});

/** Sends so much behind the bytes that the server gets it after it has answered, and reads only then. */
async function sendBlindly(socket: Socket, bytes: Uint8Array): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(Buffer.concat([bytes, Buffer.alloc(16 * 1024 * 1024)]), () => resolve());
  });
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  await once(socket, 'close');
  return text;
}

it('a client that cuts its connection once it has asked does no harm', async () => {
  const upgraded = new Promise<Duplex>((resolve) => {
    server.once('upgrade', (_request, socket: Duplex) => resolve(socket));
  });
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write(ask('/link', 'bogus').join('\r\n') + '\r\n');
  const socket = await upgraded;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // As a reset of the connection does, whenever it comes.
  socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  await closed;
  client.destroy();
  expect(await exchange(...ask('/link', 'test/1'), '')).toMatch(/^HTTP\/1.1 101/);
});

it.each([
  ['/link', 'test/1', / 200 .*GET \/before .* 101 .*hello$/s],
  ['/link', 'bogus', / 200 .*GET \/before .* 426 /s],
  ['/after', 'h2c', / 200 .*GET \/before .* 200 .*GET \/after /s],
])(
  'a request for an upgrade of %s to %s waits for the answer to the one before it',
  async (path, protocol, answers) => {
    const lines = ['GET /before HTTP/1.1', 'Host: here', '', ...ask(path, protocol, 'close'), ''];
    expect(await exchange(...lines)).toMatch(answers);
  },
);
