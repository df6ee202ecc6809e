import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isFromProxy, stringKey, stringValue } from '@kvs/protocol';
import { NodeLink } from '../node-link.js';
import { byKeys, failureOf } from '../../test/link-test.js';

const key = stringKey('k');
let proxy: Server;
let requests: number;
let found: number;
let transport: NodeLink;

beforeEach(async () => {
  requests = 0;
  found = 0;
  proxy = createServer((request, response) => {
    requests++;
    response.writeHead(isFromProxy(request.headers.via) ? 508 : 200).end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  transport.close();
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
});

it.each(['bad host:1', 'host\n:1', 'host:1\r\nx: y', 'host:70000', ''])(
  'every call to the address %j fails, and the next one too',
  async (address) => {
    transport = new NodeLink(address, { nodeTimeoutMs: 60_000 });
    for (let i = 0; i < 2; i++) expect(await failureOf(transport.stats())).toBe('unconnected');
  },
);

it('an address that is a proxy is found out, and asked no more than once for each call', async () => {
  await new Promise<void>((resolve) => {
    transport = new NodeLink(`127.0.0.1:${(proxy.address() as AddressInfo).port}`, {
      nodeTimeoutMs: 60_000,
      foundProxy: () => {
        found++;
        resolve();
      },
    });
  });
  const before = requests;
  const { set, fetch, query, delete: remove } = byKeys(transport);
  const calls = [
    () => set([{ key, value: stringValue('v') }]),
    () => fetch([key]),
    () => query([key]),
    () => remove([{ key }]),
    () => transport.scan({ meta: false }, 0),
    () => transport.stats(),
  ];
  for (const call of calls) expect(await failureOf(call())).toBe('loop');
  expect(found).toBe(1 + calls.length);
  expect(requests - before).toBe(calls.length);
});
