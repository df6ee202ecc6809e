import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { until } from '@kvs/protocol/testing';
import { startNode, startProxy, type LocalServer } from '@kvs-tools/local-cluster';
import { residentBytes } from './support/memory.js';

const MIB = 2 ** 20;
/** The bytes that the process may hold in requests and replies. */
const BUDGET_BYTES = 32 * MIB;
/**
 * The budget, twice because buffers are copied, and garbage: the young generation alone takes up to 192 MiB, and the old one grows
 * before it is collected.
 */
const ALLOWED_GROWTH_BYTES = 2 * BUDGET_BYTES + 400 * MIB;

const ARGS = ['--redis-port', 'auto', '--max-in-flight-bytes', String(BUDGET_BYTES)];

/** The server that is attacked. */
interface Target {
  readonly origin: string;
  readonly pid: number;
  readonly redisPort: number;
}

let node: LocalServer;
let proxy: LocalServer;
let targets: Readonly<Record<'node' | 'proxy', Target>>;
let target: Target;
let sockets: Socket[];
let before: number;

beforeAll(async () => {
  node = await startNode(ARGS);
  proxy = await startProxy([node.address], ARGS);
  const targetOf = async (server: LocalServer): Promise<Target> => {
    return { origin: server.origin, pid: server.pid, redisPort: await server.redisPort() };
  };
  targets = { node: await targetOf(node), proxy: await targetOf(proxy) };
});
afterAll(() => Promise.all([proxy.kill(), node.kill()]));

async function open(): Promise<Socket> {
  const socket = connect({ port: target.redisPort, host: 'localhost' });
  // The server may close or reset it at any time.
  socket.on('error', () => socket.destroy());
  sockets.push(socket);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

/** Sends bytes over each of some new connections. Returns the connections. */
async function sendOver(count: number, bytesOf: (i: number) => Buffer | string): Promise<Socket[]> {
  const opened: Socket[] = [];
  for (let i = 0; i < count; i++) opened.push(await open());
  opened.forEach((socket, i) => socket.write(bytesOf(i)));
  return opened;
}

/** Waits until a new client is served. */
async function served(): Promise<void> {
  const client = new Redis({ port: target.redisPort, host: 'localhost', retryStrategy: () => 50 });
  client.on('error', () => undefined); // it connects again
  try {
    await until(
      async () => (await client.set('served', 'yes').catch(() => undefined)) === 'OK',
      () => 'SET is not answered',
    );
  } finally {
    client.disconnect();
  }
}

function expectBounded(): void {
  expect(residentBytes(target.pid) - before).toBeLessThan(ALLOWED_GROWTH_BYTES);
}

async function firstReply(socket: Socket): Promise<string> {
  const [chunk]: Buffer[] = await once(socket, 'data', { signal: AbortSignal.timeout(60_000) });
  return String(chunk);
}

describe.each(['node', 'proxy'] as const)('a %s', (name) => {
  beforeEach(async () => {
    target = targets[name];
    sockets = [];
    await served();
    before = residentBytes(target.pid);
  });
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
  });

  it('survives random bytes', async () => {
    const opened = await sendOver(300, () => randomBytes(10_000));
    opened.forEach((socket) => socket.end('\r\n'));
    await served();
    expectBounded();
  });

  it.each([
    ['*999999999\r\n', 'invalid multibulk length'],
    ['*2\r\n$3\r\nGET\r\n$999999999\r\n', 'invalid bulk length'],
    ['*-99999999999999\r\n', 'invalid multibulk length'],
    ['x'.repeat(70_000), 'too big inline request'],
  ])('refuses huge counts and lengths before it takes memory, case %#', async (text, message) => {
    const [socket] = await sendOver(100, () => text);
    if (socket === undefined) throw new TypeError('no connection');
    expect(await firstReply(socket)).toBe(`-ERR Protocol error: ${message}\r\n`);
    await served();
    expectBounded();
  });

  it('takes bounded memory for requests that do not end', async () => {
    const half = `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n${'x'.repeat(400_000)}`;
    const opened = await sendOver(300, () => half);
    opened.forEach((socket) => socket.resume());
    await until(
      async () => sockets.some(({ destroyed, readableEnded }) => destroyed || readableEnded),
      () => 'no connection was closed',
    );
    expectBounded();
    for (const socket of sockets) socket.destroy();
    await served();
  });

  it('takes bounded memory for requests of many small arguments', async () => {
    const many = `*10000\r\n${'$1\r\nk\r\n'.repeat(9000)}`;
    await sendOver(1000, () => many);
    await served();
    expectBounded();
  });

  it('takes bounded memory for replies that nobody reads', async () => {
    const client = new Redis({ port: target.redisPort, host: 'localhost' });
    await client.set('large', 'x'.repeat(MIB));
    client.disconnect();
    const opened = await sendOver(40, () => 'get large\r\n'.repeat(500));
    opened.forEach((socket) => socket.pause());
    const health = await fetch(`${target.origin}/health/live`);
    expect(health.status).toBe(200);
    expectBounded();
    for (const socket of sockets) socket.destroy();
    await served();
  });

  it('takes bounded memory for replies about itself that nobody reads', async () => {
    const name = 'n'.repeat(1024);
    const named = `client setname ${name}\r\nclient setinfo lib-name ${name}\r\nclient setinfo lib-ver ${name}\r\n`;
    const opened = await sendOver(500, () => named);
    await Promise.all(opened.map(firstReply));
    opened.forEach((socket) => socket.pause());
    for (const socket of opened) {
      socket.write('client list\r\n'.repeat(2));
      await setImmediate();
    }
    const health = await fetch(`${target.origin}/health/live`);
    expect(health.status).toBe(200);
    expectBounded();
    for (const socket of sockets) socket.destroy();
    await served();
  });

  it('serves others while 9,000 connections are open, and refuses those beyond 10,000', async () => {
    while (sockets.length < 9000) await Promise.all(Array.from({ length: 100 }, open));
    await served();
    expectBounded();
    while (sockets.length < 10_000) await Promise.all(Array.from({ length: 100 }, open));
    expect(await firstReply(await open())).toBe('-ERR max number of clients reached\r\n');
  });
});
