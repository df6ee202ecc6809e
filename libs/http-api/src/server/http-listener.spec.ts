import { createServer } from 'node:http';
import { connect, createServer as createNetServer, type AddressInfo } from 'node:net';
import { until } from '@kvs/protocol/testing';
import { exchange, exchangeBytes } from '../testing/raw-exchange.js';
import { HttpListener } from './http-listener.js';

it.each([
  ['that the server accepts itself', false],
  ['that another process has accepted', true],
])('of connections %s, those beyond the limit are refused', async (_, isAccepted) => {
  const server = createServer((_request, response) => response.end('answer'));
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
  const first = connect(port, '127.0.0.1');
  await until(() => open() === 1);
  const refused = await exchangeBytes(port, []);
  expect(refused).toMatch(/^HTTP\/1.1 503 [^]*\nretry-after: 1\r[^]*"code":"overloaded"/);
  expect(open()).toBe(1);
  first.destroy();
  await until(() => open() === 0);
  expect(await exchange(port, [{ method: 'GET', path: '/' }])).toMatch(/^HTTP\/1.1 200 /);
  listener.close();
  other.close();
  server.close();
});
