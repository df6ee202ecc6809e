import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isFromProxy, stringKey, stringValue } from '@kvs/protocol';
import { LOOP_STATUS } from './loop.js';
import { NodeDataTransport } from './node-data-transport.js';
import { failureOf } from './testing/transport-trait.js';
import { NODE_PROTOCOLS } from './ways.js';

const key = stringKey('k');
let proxy: Server;
let requests: number;
let found: number;
let transport: NodeDataTransport;

beforeEach(async () => {
  requests = 0;
  found = 0;
  proxy = createServer((request, response) => {
    requests++;
    response.writeHead(isFromProxy(request.headers.via) ? LOOP_STATUS : 200).end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  transport.close();
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
});

/** A transport to the proxy as if it were a node, once it is found out. */
async function start(protocol: (typeof NODE_PROTOCOLS)[number]): Promise<void> {
  await new Promise<void>((resolve) => {
    transport = new NodeDataTransport(`127.0.0.1:${(proxy.address() as AddressInfo).port}`, {
      protocol,
      nodeTimeoutMs: 60_000,
      nodeConnections: 4,
      maxBatchItems: 100,
      foundProxy: () => {
        found++;
        resolve();
      },
      stats: () => Promise.reject(new TypeError('nobody asks')),
    });
    if (protocol === 'http') resolve();
  });
}

describe.each(NODE_PROTOCOLS)('an address that is a proxy, by the protocol %s', (protocol) => {
  it('is found out, and asked no more than once for each call', async () => {
    await start(protocol);
    const before = requests;
    const calls = [
      () => transport.set([{ key, value: stringValue('v') }]),
      () => transport.fetch([key]),
      () => transport.query([key]),
      () => transport.delete([{ key }]),
      () => transport.scan({ meta: false }),
    ];
    for (const call of calls) expect(await failureOf(call())).toBe('loop');
    expect(found).toBeGreaterThan(0);
    expect(requests - before).toBeLessThanOrEqual(calls.length);
  });
});
