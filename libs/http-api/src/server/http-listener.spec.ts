import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { connect, createServer as createNetServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { until } from '@kvs/protocol/testing';
import { exchange, exchangeBytes, requestBytes } from '../testing/raw-exchange.js';
import { HttpListener } from './http-listener.js';
import { refuseTunnels, type UpgradeHandler } from './upgrades.js';

it.each([
  ['that the server accepts itself', false],
  ['that another process has accepted', true],
])('of connections %s, those beyond the limit are refused', async (_, isAccepted) => {
  let answered = 0;
  const server = createServer((_request, response) => {
    answered++;
    response.end('answer');
  });
  const listener = new HttpListener(server, undefined, 1);
  const open = () => listener.collect()[0]?.values[0]?.value;
  const other = createNetServer((socket) => listener.accept(socket));
  let port: number;
  if (isAccepted) {
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    ({ port } = other.address() as AddressInfo);
  } else {
    port = await listener.start({ host: '127.0.0.1', port: 0 });
  }
  const first = await halfARequest(server, port);
  for (const chunks of [[], [requestBytes({ method: 'GET', path: '/' })]]) {
    const refused = await exchangeBytes(port, chunks);
    expect(refused).toMatch(/^HTTP\/1.1 503 [^]*\nretry-after: 1\r[^]*"code":"overloaded"/);
  }
  expect([open(), answered]).toEqual([1, 0]);
  first.destroy();
  await until(() => open() === 0);
  expect(await exchange(port, [{ method: 'GET', path: '/' }])).toMatch(/^HTTP\/1.1 200 /);
  listener.close();
  other.close();
  server.close();
});

it('a client that still sends when it is refused is not reset', async () => {
  const server = createServer();
  const listener = new HttpListener(server, undefined, 0);
  const port = await listener.start({ host: '127.0.0.1', port: 0 });
  const accepted = once(server, 'connection');
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [socket] = (await accepted) as [Socket];
  await once(client.resume(), 'end');
  expect(socket.destroyed).toBe(false);
  const closed = once(client, 'close');
  client.end(requestBytes({ method: 'GET', path: '/' }));
  await closed;
  await until(() => socket.destroyed);
  server.close();
});

it('closes a connection that has left HTTP and was refused, though its client keeps it open', async () => {
  const server = createServer();
  refuseTunnels(server);
  const listener = new HttpListener(server, undefined);
  const port = await listener.start({ host: '127.0.0.1', port: 0 });
  const accepted = once(server, 'connection');
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.write(requestBytes({ method: 'CONNECT', path: 'elsewhere.example:443' }));
  await once(client.resume(), 'end');
  const [socket] = (await accepted) as [Socket];
  expect(socket.destroyed).toBe(false);
  await listener.drain();
  listener.close();
  expect(socket.destroyed).toBe(true);
  client.destroy();
});

it('waits in a drain for connections that have left HTTP', async () => {
  const server = createServer();
  const events: string[] = [];
  let finish = (): void => undefined;
  const handler: UpgradeHandler = {
    path: '/link',
    protocol: 'test/1',
    accept: () => undefined,
    drain: () => new Promise((resolve) => (finish = resolve)),
    close: () => undefined,
  };
  const listener = new HttpListener(server, handler);
  await listener.start({ host: '127.0.0.1', port: 0 });
  const drained = listener.drain().then(() => events.push('drained'));
  await setImmediate();
  events.push('links have ended');
  finish();
  await drained;
  expect(events).toEqual(['links have ended', 'drained']);
});

it('at the limit, connections that wait for their next request make way', async () => {
  const server = createServer((_request, response) => response.end('answer'));
  const listener = new HttpListener(server, undefined, 2);
  const port = await listener.start({ host: '127.0.0.1', port: 0 });
  const request = { method: 'GET', path: '/' };
  const idle = connect(port, '127.0.0.1');
  const answered = once(idle, 'data');
  idle.write(requestBytes(request));
  await answered;
  const busy = await halfARequest(server, port);
  const closed = once(idle, 'close');
  expect(await exchange(port, [request])).toMatch(/^HTTP\/1.1 200 /);
  await closed;
  expect(busy.destroyed).toBe(false);
  busy.destroy();
  listener.close();
  server.close();
});

/** Opens a connection that no version of Node takes for idle. */
async function halfARequest(server: Server, port: number): Promise<Socket> {
  const connection = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  client.write('GET / HT');
  const [accepted] = (await connection) as [Socket];
  await until(() => accepted.bytesRead > 0);
  return client;
}
