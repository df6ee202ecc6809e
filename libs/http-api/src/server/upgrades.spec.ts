import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { handleUpgrades, upgradeRequired, type UpgradeHandler } from './upgrades.js';

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
  server = createServer((request, response) => {
    refuse(request, response, () => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.end(`${request.method} ${request.url} ${Buffer.concat(parts).toString()}`);
      });
    });
  });
  handleUpgrades(server, handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** All that comes back for these lines. */
async function exchange(...lines: string[]): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.write(lines.join('\r\n'));
  await once(socket, 'close');
  return text;
}

const ask = (path: string, protocol: string) => [
  `GET ${path} HTTP/1.1`,
  'Host: here',
  'Connection: keep-alive, Upgrade',
  `Upgrade: ${protocol}`,
  '',
];

it('hands a connection that asks for the protocol over, with what came after the request', async () => {
  expect(await exchange(...ask('/link', 'other, Test/1'), 'more')).toMatch(/^HTTP\/1.1 101 .*hello$/s);
  expect(accepted).toEqual(['more']);
});

it.each(['test/2', 'h2c'])('refuses to speak %s there, and says what it speaks', async (protocol) => {
  const text = await exchange(...ask('/link', protocol), '');
  expect(text).toMatch(/^HTTP\/1.1 426 Upgrade Required\r\nupgrade: test\/1\r\n.*"code":"upgrade_required"/s);
  expect(accepted).toEqual([]);
});

it('refuses a request there that asks for no upgrade', async () => {
  const text = await exchange('GET /link HTTP/1.1', 'Host: here', 'Connection: close', '', '');
  expect(text).toMatch(/^HTTP\/1.1 426 .*"code":"upgrade_required"/s);
});

it('serves other requests that ask for an upgrade as if they had not, and the connection goes on', async () => {
  const text = await exchange(
    'PUT /set HTTP/1.1',
    'Host: here',
    'Connection: Upgrade',
    'Upgrade: h2c',
    'Content-Length: 4',
    '',
    'bodyGET /next HTTP/1.1',
    'Host: here',
    'Connection: close',
    '',
    '',
  );
  expect(text).toMatch(/^HTTP\/1.1 200 .*PUT \/set body.*HTTP\/1.1 200 .*GET \/next/s);
});

it('serves such a request also when its body comes late', async () => {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  const head = ['POST /q HTTP/1.1', 'Host: here', 'Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 8'];
  const upgraded = once(server, 'upgrade');
  socket.write(`${head.join('\r\n')}\r\n\r\nhalf`);
  await upgraded;
  socket.write('half');
  while (!text.includes('halfhalf')) await once(socket, 'data');
  socket.destroy();
  expect(text).toMatch(/POST \/q halfhalf/);
});
