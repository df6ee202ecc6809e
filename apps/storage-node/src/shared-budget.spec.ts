import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { HttpApiModule, openHttp, OPERATIONS, READINESS, httpSettings, type OpenHttp } from '@kvs/http-api';
import { LINK_PATH, LINK_TOKEN, LinkServer, NodeLink } from '@kvs/node-link';
import { HeldStore } from '@kvs/node-link/testing';
import { partitionOf, stringKey, stringValue } from '@kvs/protocol';
import { Budget, parseCommand, type Admission } from '@kvs/server';
import { silentLogger } from '@kvs/server/testing';
import { COMMAND } from './config.js';

const KEY = stringKey('k');
const ITEM = { key: KEY, value: stringValue('v'.repeat(500)) };
const OVERLOADED = { ok: false, code: 'overloaded' };

let store: HeldStore;
let http: Admission;
let link: Admission;
let node: OpenHttp;
let origin: string;
let proxyLink: NodeLink;
let port: number;

/** Starts a node over a store that a test can hold, and a link to it. */
async function start(...options: string[]): Promise<void> {
  const settings = httpSettings(parseCommand(COMMAND, ['localhost', '0', ...options]).options);
  const budget = new Budget(settings);
  http = budget.admissionOf('http');
  link = budget.admissionOf('link');
  store = new HeldStore();
  node = await openHttp({
    title: 'test',
    version: '0.0.0',
    host: '127.0.0.1',
    settings,
    module: HttpApiModule.register({
      limits: settings.limits,
      providers: [
        { provide: OPERATIONS, useValue: store },
        { provide: READINESS, useValue: { check: () => Promise.resolve(undefined) } },
      ],
    }),
    upgrade: () => new LinkServer(store, { ...settings, admission: link, onError: () => undefined }),
    admission: http,
    controlAdmission: budget.separateAdmissionOf('control_plane'),
    logger: silentLogger,
  });
  node.metrics.add(budget);
  port = await node.listener.start({ host: '127.0.0.1', port: 0 });
  origin = `http://127.0.0.1:${port}`;
  proxyLink = new NodeLink(`127.0.0.1:${port}`, { nodeTimeoutMs: 60_000 });
}
afterEach(async () => {
  proxyLink.close();
  node.listener.close();
  await node.app.close();
});

async function setOverHttp(): Promise<unknown> {
  const response = await fetch(`${origin}/set`, { method: 'PUT', body: JSON.stringify([ITEM]) });
  return { status: response.status, body: await response.json() };
}

const REFUSED = { status: 503, body: { code: 'overloaded' } };

it.each([
  ['requests', ['--max-in-flight-requests', '1']],
  ['bytes', ['--max-in-flight-bytes', '800']],
])('calls over a link leave no room for %s over HTTP, until they are answered', async (_, options) => {
  await start(...options);
  const release = store.hold(KEY);
  const held = proxyLink.set([ITEM], [partitionOf(KEY)], 0);
  await store.hasBegun(1);
  expect(await setOverHttp()).toMatchObject(REFUSED);
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  expect(metrics).toContain('kvs_requests_in_flight{protocol="link"} 1');
  release();
  expect(await held).toMatchObject([{ ok: true }]);
  expect(await setOverHttp()).toMatchObject({ status: 200 });
});

it.each([
  ['requests', ['--max-in-flight-requests', '1']],
  ['bytes', ['--max-in-flight-bytes', '800']],
])('%s over HTTP leave no room for calls over a link, until they are answered', async (_, options) => {
  await start(...options);
  const release = store.hold(KEY);
  const held = setOverHttp();
  await store.hasBegun(1);
  expect(await proxyLink.set([ITEM], [partitionOf(KEY)], 0)).toMatchObject([OVERLOADED]);
  release();
  expect(await held).toMatchObject({ status: 200 });
  expect(await proxyLink.set([ITEM], [partitionOf(KEY)], 0)).toMatchObject([{ ok: true }]);
});

it('an incomplete frame leaves no room for bytes over HTTP, until its link ends', async () => {
  await start('--max-in-flight-bytes', '800');
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${LINK_PATH} HTTP/1.1\r\nHost: localhost\r\n`);
  socket.write(`Connection: Upgrade\r\nUpgrade: ${LINK_TOKEN}\r\n\r\n`);
  const frame = Buffer.alloc(700);
  frame.writeUInt32LE(100_000);
  socket.write(frame);
  while (link.load.requestBytes === 0) await setImmediate();
  expect(await setOverHttp()).toMatchObject(REFUSED);
  socket.destroy();
  while (link.load.requestBytes > 0) await setImmediate();
  expect(await setOverHttp()).toMatchObject({ status: 200 });
});
