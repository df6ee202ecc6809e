import type { Duplex } from 'node:stream';
import { PROXY_VIA } from '@kvs/protocol';
import { MapOperations } from '@kvs/protocol/testing';
import { exchange } from '../testing/raw-exchange.js';
import { jsonOf, TestServer } from '../testing/test-server.js';

const headers = { via: PROXY_VIA };
let server: TestServer;
afterEach(() => server.stop());

it.each([
  ['PUT', '/set', '[]'],
  ['POST', '/fetch', '[]'],
  ['GET', '/fetch', undefined],
  ['GET', '/stats', undefined],
  ['GET', '/health/ready', undefined],
])('a server that refuses proxies does so at %s %s, at once', async (method, path, body) => {
  server = await TestServer.start(new MapOperations(), { refusesProxies: true });
  const seen: string[] = [];
  server.onExpress((target) => seen.push(target));
  const answer = await server.send(method, path, { headers, ...(body && { body }) });
  expect([answer.status, jsonOf(answer)]).toEqual([508, expect.objectContaining({ code: 'loop_detected' })]);
  expect([seen, server.admission.load.requests]).toEqual([[], 0]);
});

it('a server that refuses proxies does so when one asks for the link', async () => {
  let accepted = 0;
  const upgrade = {
    path: '/link',
    protocol: 'test/1',
    accept: (_: unknown, socket: Duplex) => {
      accepted++;
      socket.destroy();
    },
    drain: () => Promise.resolve(),
    close: () => undefined,
  };
  server = await TestServer.start(new MapOperations(), { refusesProxies: true, upgrade });
  const asking = { ...headers, connection: 'Upgrade', upgrade: 'test/1' };
  const answer = await exchange(server.port, [{ method: 'GET', path: '/link', headers: asking }]);
  expect(answer).toMatch(/^HTTP\/1.1 508 .*"code":"loop_detected"/s);
  expect(accepted).toBe(0);
});

it('a server that refuses proxies does so also under a host name that it does not serve', async () => {
  server = await TestServer.start(new MapOperations(), { refusesProxies: true });
  const host = 'elsewhere.example:1';
  expect((await server.send('GET', '/fetch', { headers: { ...headers, host } })).status).toBe(508);
});

it('a server that refuses proxies serves everybody else', async () => {
  server = await TestServer.start(new MapOperations(), { refusesProxies: true });
  expect((await server.send('GET', '/fetch', { headers: { via: '1.1 balancer' } })).status).toBe(200);
});

it('another server serves proxies', async () => {
  server = await TestServer.start(new MapOperations());
  expect((await server.send('GET', '/fetch', { headers })).status).toBe(200);
});
