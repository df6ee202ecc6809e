import { setImmediate } from 'node:timers/promises';
import { stringKey, stringValue } from '@kvs/protocol';
import { TransportError } from '@kvs/router';
import { NodeDataTransport } from './node-data-transport.js';
import { HeldStore } from './testing/held-store.js';
import { TestNode } from './testing/test-node.js';
import type { NodeProtocol } from './ways.js';

const [key, other] = [stringKey('k'), stringKey('other')];
const absent = [{ ok: true, present: false }];

let store: HeldStore;
let node: TestNode;
let transport: NodeDataTransport;

async function start(protocol: NodeProtocol, offersLink = true): Promise<void> {
  store = new HeldStore();
  node = new TestNode(store, offersLink);
  await node.start();
  transport = new NodeDataTransport(`127.0.0.1:${node.port}`, {
    protocol,
    nodeTimeoutMs: 60_000,
    nodeConnections: 4,
    maxBatchItems: 100,
    minReconnectMs: 1,
    stats: () => Promise.reject(new TypeError('nobody asks')),
  });
}
afterEach(async () => {
  transport.close();
  await node.kill();
});

/** Until the link is used: then nothing comes over HTTP any more. */
async function untilLinked(): Promise<void> {
  for (;;) {
    const { requests } = node;
    expect(await transport.query([key])).toEqual(absent);
    if (node.requests === requests) return;
    await setImmediate();
  }
}

describe('auto', () => {
  it('uses the link of a node that has one, and HTTP until it is open', async () => {
    await start('auto');
    expect(await transport.query([key])).toEqual(absent);
    await untilLinked();
    expect(node.openLinks).toBe(1);
  });

  it('uses HTTP for a node that has none', async () => {
    await start('auto', false);
    for (let i = 0; i < 5; i++) expect(await transport.query([key])).toEqual(absent);
    while (node.requests < 6) await setImmediate();
    expect([node.requests, node.openLinks]).toEqual([6, 0]); // the link was asked for once
  });

  it('keeps the order on a key when it goes over to the link', async () => {
    await start('auto');
    const release = store.hold(other);
    const first = transport.set([{ key: other, value: stringValue('1') }]);
    await store.hasBegun(1);
    await untilLinked();
    const { requests } = node;
    const second = transport.set([{ key: other, value: stringValue('2') }]);
    const third = transport.fetch([other]);
    expect(await transport.query([key])).toEqual(absent); // which does not wait
    expect(store.began.filter((name) => name === other.data)).toHaveLength(1);
    release();
    expect(await Promise.all([first, second])).toEqual([
      [{ ok: true, version: 1, created: true }],
      [{ ok: true, version: 2, created: false }],
    ]);
    expect(await third).toMatchObject([{ entry: { version: 2 } }]);
    expect(node.requests).toBe(requests);
  });

  it('keeps the order on a key when the node says goodbye on its link', async () => {
    await start('auto');
    await untilLinked();
    const release = store.hold(other);
    const { length } = store.began;
    const first = transport.set([{ key: other, value: stringValue('1') }]);
    await store.hasBegun(length + 1);
    const drained = node.drain();
    const { requests } = node;
    while (node.requests === requests) await transport.query([key]);
    const second = transport.set([{ key: other, value: stringValue('2') }]);
    await transport.query([key]);
    expect(store.began.filter((name) => name === other.data)).toHaveLength(1);
    release();
    expect(await Promise.all([first, second])).toEqual([
      [{ ok: true, version: 1, created: true }],
      [{ ok: true, version: 2, created: false }],
    ]);
    await drained;
  });

  it('fails what waits for another way when it is closed', async () => {
    await start('auto');
    const release = store.hold(other);
    const first = transport.query([other]);
    await store.hasBegun(1);
    await untilLinked();
    const calls = [first, transport.delete([{ key: other }]), transport.query([other])];
    transport.close();
    for (const call of await Promise.allSettled(calls)) {
      expect(call).toMatchObject({ reason: expect.any(TransportError) });
    }
    release();
  });

  it('uses a node at once that is back, and opens its link because HTTP got through', async () => {
    await start('auto');
    await untilLinked();
    await node.kill();
    await node.start();
    // The link's end may not be known here yet, and then this call breaks with it.
    await transport.query([key]).catch(() => undefined);
    expect(await transport.query([key])).toEqual(absent);
    await untilLinked();
    expect(node.openLinks).toBe(1);
  });

  it('goes over to HTTP when a node says goodbye on its link', async () => {
    await start('auto');
    await untilLinked();
    await node.drain();
    const { requests } = node;
    expect(await transport.query([key])).toEqual(absent);
    expect(node.requests).toBe(requests + 1);
  });
});

it('link uses nothing but the link', async () => {
  await start('link');
  for (let i = 0; i < 5; i++) expect(await transport.query([key])).toEqual(absent);
  expect([node.requests, node.openLinks]).toEqual([0, 1]);
});

it('http uses nothing but HTTP, and calls of a turn are one request', async () => {
  await start('http');
  await Promise.all(Array.from({ length: 20 }, () => transport.query([key])));
  expect([node.requests, node.openLinks]).toEqual([1, 0]);
});
