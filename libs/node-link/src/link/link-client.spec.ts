import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { stringKey, stringValue, type QueryOutcome, type SetOutcome } from '@kvs/protocol';
import { ManualTime, until } from '@kvs/protocol/testing';
import { TransportError } from '@kvs/router/transport';
import { FakeLinkNode, PEER } from '../../test/fake-link-node.js';
import { partOf } from '../../test/frames.js';
import { encodeAnswers } from '../codec/answers.js';
import { encodeSignal } from '../codec/frame-builder.js';
import { FRAME } from '../codec/frame.js';
import type { Hello, LinkLimits } from '../codec/hello.js';
import { encodeChunkHead, encodeEnd } from '../codec/streams.js';
import { callWith } from './calls-in-flight.js';
import { MAX_DELAY_MS as DELAY_MS } from './coalescer.js';
import { STREAM_WINDOW_BYTES } from './incoming-stream.js';
import { LinkClient } from './link-client.js';
import { HEARTBEAT_MS } from './link-connection.js';
import { DEFAULT_LINK_OPTIONS, type LinkOptions } from './link-options.js';

const key = stringKey('k');
const NODE_TIMEOUT_MS = 1000;
/** The id of the first stream of a connection. */
const FIRST_STREAM = 1;

let node: FakeLinkNode;
let time: ManualTime;
let client: LinkClient;

beforeEach(async () => {
  node = await FakeLinkNode.start();
  time = new ManualTime();
});
afterEach(async () => {
  client.close();
  await node.stop();
});

function start(options: Partial<LinkOptions> = {}): void {
  const all = {
    ...DEFAULT_LINK_OPTIONS,
    nodeTimeoutMs: NODE_TIMEOUT_MS,
    timers: time,
    ...options,
  };
  client = new LinkClient(node.address, all);
}

const query = (...keys: string[]): Promise<readonly QueryOutcome[]> =>
  callWith('query', partOf(keys.map(stringKey), 10 * keys.length), 0, (call) => client.submit(call));
const set = (text: string): Promise<readonly SetOutcome[]> =>
  callWith('set', partOf([{ key, value: stringValue(text) }], text.length), 0, (call) => client.submit(call));

async function failureOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (error instanceof TransportError) return error.failure;
  throw new TypeError('no transport error', { cause: error });
}

/** Answers all calls that came, with yes, the last first. */
function answerAll(say = (bytes: Uint8Array) => node.say(bytes)): void {
  const answers = node.calls
    .splice(0)
    .reverse()
    .map(({ id }) => ({
      id,
      kind: 'query' as const,
      outcomes: [{ ok: true as const, present: true }],
    }));
  for (const frame of encodeAnswers(node.builder, answers, { frameBytes: 1000, maxFrameBytes: 10_000 }))
    say(frame);
}

const yes = [{ ok: true, present: true }];
const callFrames = () => node.frames.filter((type) => type === FRAME.calls).length;

describe('calls', () => {
  it('of one turn share a frame, and have their answers in whatever order these come', async () => {
    start();
    await until(() => node.frames.length === 1);
    const calls = ['a', 'b', 'c'].map((name) => query(name));
    await until(() => node.calls.length === 3);
    expect(callFrames()).toBe(1);
    answerAll();
    expect(await Promise.all(calls)).toEqual([yes, yes, yes]);
  });

  it('wait for a connection that is being made', async () => {
    start();
    const call = query('a');
    await until(() => node.calls.length === 1);
    answerAll();
    expect(await call).toEqual(yes);
  });

  it('are no more at once than the node says, and the others follow', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxCallsInFlight: 2 });
    start();
    const calls = ['a', 'b', 'c'].map((name) => query(name));
    await until(() => node.calls.length === 2);
    answerAll();
    await until(() => node.calls.length === 1);
    answerAll();
    expect(await Promise.all(calls)).toEqual([yes, yes, yes]);
  });

  it('go over several frames when they are large', async () => {
    start();
    void Promise.all(['x', 'y', 'z'].map((text) => set(text.repeat(200_000)))).catch(() => undefined);
    await until(() => node.calls.length === 3);
    expect(callFrames()).toBe(3);
  });

  it('that no frame of the node can hold fail, and break nothing', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxFrameBytes: 2 ** 17 });
    start();
    const call = query('a');
    expect(await set('x'.repeat(2 ** 17))).toMatchObject([{ ok: false, code: 'value_too_large' }]);
    await until(() => node.calls.length === 1);
    answerAll();
    expect(await call).toEqual(yes);
    await set('x'.repeat(2 ** 17));
    const alone = query('b'); // which need not wait for anything
    await until(() => node.calls.length === 1);
    answerAll();
    expect(await alone).toEqual(yes);
  });
});

describe('a time-out', () => {
  it('fails a call that is not answered, and a late answer is ignored', async () => {
    start();
    const late = failureOf(query('a'));
    await until(() => node.calls.length === 1);
    time.advanceMs(NODE_TIMEOUT_MS);
    expect(await late).toBe('timeout');
    const next = query('b');
    await until(() => node.calls.length === 2);
    answerAll();
    expect(await next).toEqual(yes);
  });

  it('needs one timer, however many calls there are', async () => {
    start();
    await until(() => node.frames.length === 1);
    const calls = [query('a'), query('b')].map(failureOf);
    await until(() => node.calls.length === 2);
    time.advanceMs(NODE_TIMEOUT_MS / 2);
    calls.push(failureOf(query('c')));
    await setImmediate();
    time.advanceMs(DELAY_MS); // the others are unanswered
    await until(() => node.calls.length === 3);
    time.advanceMs(NODE_TIMEOUT_MS / 2 - DELAY_MS);
    expect(await Promise.all(calls.slice(0, 2))).toEqual(['timeout', 'timeout']);
    expect(time.waits.filter((ms) => ms <= NODE_TIMEOUT_MS)).toEqual([NODE_TIMEOUT_MS / 2]);
    time.advanceMs(NODE_TIMEOUT_MS / 2);
    expect(await calls[2]).toBe('timeout');
  });

  it('fails a call that was never sent as one that the node surely has not seen', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxCallsInFlight: 1 });
    start();
    const calls = [failureOf(query('a')), failureOf(query('b'))];
    await until(() => node.calls.length === 1);
    time.advanceMs(NODE_TIMEOUT_MS);
    expect(await Promise.all(calls)).toEqual(['timeout', 'unconnected']);
  });

  it.each<[string, Partial<LinkLimits>]>([
    ['calls', { maxCallsInFlight: 4 }],
    ['bytes', { maxBytesInFlight: 40 }],
  ])(
    'closes a link when the node never answers more than half of the %s that it takes',
    async (_, limits) => {
      node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, ...limits });
      start();
      const calls = ['a', 'b', 'c'].map((name) => failureOf(query(name)));
      await until(() => node.calls.length === 3);
      node.calls.length = 0;
      time.advanceMs(NODE_TIMEOUT_MS);
      expect(await Promise.all(calls)).toEqual(['timeout', 'timeout', 'timeout']);
      await until(() => node.connections === 0);
      const next = query('d');
      await until(() => node.calls.length === 1);
      answerAll();
      expect(await next).toEqual(yes);
    },
  );

  it('fails calls to a node that accepts connections and says nothing', async () => {
    node.onUpgrade = () => undefined;
    start();
    const call = failureOf(query('a'));
    await until(() => node.attempts === 1);
    time.advanceMs(NODE_TIMEOUT_MS);
    expect(await call).toBe('unconnected');
  });
});

describe('a heartbeat', () => {
  it('asks a silent node for a sign, and gives the link up when none comes', async () => {
    start({ nodeTimeoutMs: 1e6 });
    const call = failureOf(query('a'));
    await until(() => node.calls.length === 1);
    time.advanceMs(2 * HEARTBEAT_MS);
    await until(() => node.frames.includes(FRAME.ping));
    time.advanceMs(2 * HEARTBEAT_MS);
    expect(await call).toBe('broken');
    await until(() => node.connections === 0);
  });

  it('is content with a pong', async () => {
    start({ nodeTimeoutMs: 1e6 });
    const call = query('a');
    await until(() => node.calls.length === 1);
    for (let beat = 0; beat < 5; beat++) {
      const pings = node.frames.length;
      time.advanceMs(2 * HEARTBEAT_MS);
      await until(() => node.frames.length > pings);
      node.say(encodeSignal(node.builder, FRAME.pong));
      // It has been heard when what was said after it is answered.
      node.say(encodeSignal(node.builder, FRAME.ping));
      await until(() => node.frames.at(-1) === FRAME.pong);
    }
    answerAll();
    expect(await call).toEqual(yes);
  });
});

describe('a link that breaks', () => {
  /** Resolves when the client has noticed that the link was lost. */
  async function untilLost(): Promise<void> {
    while (node.connections > 0) await setImmediate();
    await setImmediate();
  }

  it('is opened again at once by the next call', async () => {
    start();
    await until(() => node.frames.length === 1);
    for (let attempt = 2; attempt < 5; attempt++) {
      node.hangUp();
      await untilLost();
      expect(node.attempts).toBe(attempt - 1);
      const call = query('a');
      await until(() => node.calls.length === 1);
      answerAll();
      expect([await call, node.attempts]).toEqual([yes, attempt]);
    }
  });

  it('breaks the calls that were sent, and sends the others over a new link', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxCallsInFlight: 1 });
    start();
    const sent = failureOf(query('a'));
    const unsent = query('b');
    await until(() => node.calls.length === 1);
    node.calls.length = 0;
    node.hangUp();
    expect(await sent).toBe('broken');
    await until(() => node.calls.length === 1);
    answerAll();
    expect([await unsent, node.attempts]).toEqual([yes, 2]);
  });

  it('breaks a call of whose answer only a part has come', async () => {
    start();
    const call = failureOf(query('a'));
    await until(() => node.calls.length === 1);
    answerAll((bytes) => node.say(bytes.subarray(0, bytes.length / 2)));
    node.hangUp();
    expect(await call).toBe('broken');
  });

  it('is opened again at once by the next scan', async () => {
    start();
    await until(() => node.frames.length === 1);
    node.hangUp();
    await untilLost();
    client.open({ kind: 'stats' });
    await until(() => node.frames.includes(FRAME.open));
    expect(node.attempts).toBe(2);
  });

  it('that is closed while it is asked for fails all that waits, and leaves nothing behind', async () => {
    node.onUpgrade = () => undefined;
    start();
    const waiting = [query('a'), client.open({ kind: 'stats' }).begun()].map(failureOf);
    await until(() => node.attempts === 1);
    client.close();
    expect(await Promise.all(waiting)).toEqual(['unconnected', 'unconnected']);
    expect(time.waits).toEqual([]);
    await until(() => node.connections === 0);
    expect(await failureOf(client.open({ kind: 'stats' }).begun())).toBe('unconnected');
  });

  it('that is closed while it is open leaves no timer behind', async () => {
    start();
    const call = failureOf(query('a'));
    await until(() => node.calls.length === 1);
    client.close();
    expect([await call, time.waits]).toEqual(['broken', []]);
  });

  it('is asked for once at a time, and all calls that wait fail with the attempt', async () => {
    const sockets: Duplex[] = [];
    node.onUpgrade = (socket) => void sockets.push(socket);
    start();
    const calls = ['a', 'b', 'c'].map((name) => failureOf(query(name)));
    await until(() => node.attempts === 1);
    sockets[0]?.destroy();
    expect(await Promise.all(calls)).toEqual(['unconnected', 'unconnected', 'unconnected']);
    expect(node.attempts).toBe(1);
    await untilLost();
    node.onUpgrade = (socket) => node.welcome(socket);
    const next = query('d');
    await until(() => node.calls.length === 1);
    answerAll();
    expect(await next).toEqual(yes);
  });

  it('is asked for by each call while nobody is there', async () => {
    start();
    await until(() => node.frames.length === 1);
    await node.stop();
    await untilLost();
    for (let i = 0; i < 5; i++) expect(await failureOf(query('a'))).toBe('unconnected');
  });
});

describe('an address that refuses the link', () => {
  it.each([
    ['a node of another version', '426 Upgrade Required', 'kvs-link/1', 'another version'],
    ['a node of another version that upgrades', '101 Switching Protocols', 'kvs-link/1', 'another version'],
    [
      'a server that upgrades to something else',
      '101 Switching Protocols',
      'websocket',
      'not a storage node',
    ],
    ['a server that upgrades to nothing', '404 Not Found', 'h2c', 'not a storage node'],
    ['a node that shuts down', '503 Service Unavailable', 'kvs-link/1', 'answered 503'],
  ])('fails calls with the reason: %s', async (_, status, upgrade, reason) => {
    node.onUpgrade = (socket) =>
      socket.end(
        `HTTP/1.1 ${status}\r\nConnection: upgrade\r\nUpgrade: ${upgrade}\r\nContent-Length: 0\r\n\r\n`,
      );
    start();
    const error: unknown = await query('a').catch((given: unknown) => given);
    expect(error).toMatchObject({ failure: 'unconnected', message: expect.stringContaining(reason) });
    await until(() => node.connections === 0);
  });

  it('that is a proxy is reported', async () => {
    node.onUpgrade = (socket) => socket.end('HTTP/1.1 508 Loop Detected\r\nContent-Length: 0\r\n\r\n');
    let found = 0;
    start({ foundProxy: () => found++ });
    expect([await failureOf(query('a')), found]).toEqual(['loop', 1]);
  });
});

describe('a node of a cluster', () => {
  const identity = { clusterId: 'orders', bootId: 'b' };

  it('is sent calls if it is of the expected cluster', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, identity });
    start({ clusterId: () => 'orders' });
    const call = query('a');
    await until(() => node.calls.length === 1);
    answerAll();
    expect(await call).toEqual(yes);
  });

  it('that is of another cluster is sent nothing, and the log says so', async () => {
    const breaches: string[] = [];
    node.onUpgrade = (socket) =>
      node.welcome(socket, { ...PEER, identity: { ...identity, clusterId: 'stock' } });
    start({ clusterId: () => 'orders', onBreach: (message) => breaches.push(message) });
    expect(await failureOf(query('a'))).toMatch(/unconnected/);
    expect(breaches).toEqual([expect.stringContaining('not of the cluster "orders"')]);
    expect(node.calls).toEqual([]);
  });

  it('is sent nothing before it has joined, and calls afterwards', async () => {
    let hello: Hello = PEER;
    const breaches: string[] = [];
    node.onUpgrade = (socket) => node.welcome(socket, hello);
    start({ clusterId: () => 'orders', onBreach: (message) => breaches.push(message) });
    expect(await failureOf(query('a'))).toMatch(/unconnected/);
    expect([node.calls, breaches]).toEqual([[], []]);
    hello = { ...PEER, identity };
    const call = query('a');
    await until(() => node.calls.length === 1);
    answerAll();
    expect(await call).toEqual(yes);
  });
});

it('a node that goes away is sent no more, and may finish what it has', async () => {
  start();
  const call = query('a');
  await until(() => node.calls.length === 1);
  const [first] = node.calls.splice(0);
  node.say(encodeSignal(node.builder, FRAME.goAway));
  node.say(encodeSignal(node.builder, FRAME.ping));
  await until(() => node.frames.includes(FRAME.pong)); // the first frame has been read too
  const sayToFirst = node.sayTo();
  const next = query('b'); // which no call of the old connection delays
  await until(() => node.calls.length === 1);
  expect([node.attempts, node.connections]).toEqual([2, 2]);
  answerAll();
  expect(await next).toEqual(yes);
  node.calls.push(...(first === undefined ? [] : [first]));
  answerAll(sayToFirst);
  expect(await call).toEqual(yes);
  await until(() => node.connections === 1);
});

it('a node that goes away while nothing is in flight loses the link, or else when its last stream has ended', async () => {
  start();
  await until(() => node.frames.length === 1);
  node.say(encodeSignal(node.builder, FRAME.goAway));
  await until(() => node.connections === 0);
  const stream = client.open({ kind: 'stats' });
  await until(() => node.frames.includes(FRAME.open));
  for (const type of [FRAME.goAway, FRAME.ping]) node.say(encodeSignal(node.builder, type));
  await until(() => node.frames.includes(FRAME.pong)); // the first frame has been read too
  expect(node.connections).toBe(1);
  node.say(encodeEnd(node.builder, FIRST_STREAM));
  await stream.begun();
  await until(() => node.connections === 0);
});

it.each([
  ['its time is up', () => time.advanceMs(NODE_TIMEOUT_MS), 'timeout'],
  ['the transport is closed', () => client.close(), 'broken'],
])('a call to a node that goes away fails when %s', async (_, end, failure) => {
  start();
  const call = failureOf(query('a'));
  await until(() => node.calls.length === 1);
  node.say(encodeSignal(node.builder, FRAME.goAway));
  node.say(encodeSignal(node.builder, FRAME.ping));
  await until(() => node.frames.includes(FRAME.pong)); // the first frame has been read too
  end();
  expect(await call).toBe(failure);
  await until(() => node.connections === 0);
});

it.each<[string, Partial<LinkOptions>]>([
  ['calls', { maxPendingCalls: 2 }],
  ['bytes', { maxPendingBytes: 25 }],
])('more %s than may be pending fail at once, until others are answered', async (_, limits) => {
  start(limits);
  const first = [query('a'), query('b')];
  const overloaded = [{ ok: false, code: 'overloaded', message: expect.stringContaining(node.address) }];
  expect(await query('c')).toEqual(overloaded);
  await until(() => node.calls.length === 2);
  expect(await query('c')).toEqual(overloaded);
  answerAll();
  expect(await Promise.all(first)).toEqual([yes, yes]);
  const next = query('c');
  await until(() => node.calls.length === 1);
  answerAll();
  expect(await next).toEqual(yes);
});

it('a call of any size may be pending, and sent, if no other is', async () => {
  node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxBytesInFlight: 5 });
  start({ maxPendingBytes: 5 });
  const call = query('a');
  await until(() => node.calls.length === 1);
  answerAll();
  expect(await call).toEqual(yes);
});

describe('a scan', () => {
  const scan = { kind: 'scan', scan: { meta: false }, epoch: 0 } as const;
  const chunk = (bytes: Uint8Array): Uint8Array =>
    Buffer.concat([encodeChunkHead(node.builder, FIRST_STREAM, bytes.length), bytes]);

  /** Resolves when the client has read what the node said. */
  async function isRead(): Promise<void> {
    const call = query('k');
    await until(() => node.calls.length === 1);
    answerAll();
    await call;
  }

  it('and statistics have the time of a node to begin', async () => {
    start();
    const streams = [client.open(scan), client.open({ kind: 'stats' })];
    const failures = Promise.all(streams.map((stream) => failureOf(stream.begun())));
    await until(() => node.frames.filter((type) => type === FRAME.open).length === 2);
    time.advanceMs(NODE_TIMEOUT_MS);
    expect(await failures).toEqual(['timeout', 'timeout']);
    // The node need not go on.
    await until(() => node.frames.filter((type) => type === FRAME.cancel).length === 2);
  });

  it('of more bytes than were granted ends the link, and the log says so', async () => {
    const breaches: string[] = [];
    start({ onBreach: (message) => breaches.push(message) });
    await until(() => node.hello !== undefined);
    const stream = client.open(scan);
    await until(() => node.frames.includes(FRAME.open));
    const half = new Uint8Array(STREAM_WINDOW_BYTES / 2);
    node.say(Buffer.concat([chunk(half), chunk(half), chunk(new Uint8Array())]));
    await stream.begun();
    await isRead();
    expect(breaches).toEqual([]);
    node.say(chunk(new Uint8Array(1)));
    await until(() => breaches.length === 1);
    expect(breaches).toEqual([expect.stringContaining('more bytes than were granted')]);
  });

  it('that is closed fails for the reader that waits, and the node is told', async () => {
    start();
    await until(() => node.hello !== undefined);
    const stream = client.open(scan);
    await until(() => node.frames.includes(FRAME.open));
    const next = failureOf(stream.chunks().next());
    await setImmediate();
    stream.close();
    expect(await next).toBe('broken');
    await until(() => node.frames.includes(FRAME.cancel));
  });

  it('has the time of a node again after each empty chunk, which needs no credit and is not given', async () => {
    start();
    await until(() => node.hello !== undefined);
    const stream = client.open(scan);
    await until(() => node.frames.includes(FRAME.open));
    time.advanceMs(NODE_TIMEOUT_MS - 1);
    node.say(chunk(new Uint8Array()));
    await stream.begun();
    const chunks = stream.chunks();
    const first = chunks.next();
    for (let i = 0; i < 5; i++) {
      time.advanceMs(NODE_TIMEOUT_MS - 1);
      node.say(chunk(new Uint8Array()));
      await isRead();
    }
    const window = new Uint8Array(STREAM_WINDOW_BYTES / 2);
    node.say(Buffer.concat([chunk(window), chunk(window), chunk(new Uint8Array())]));
    expect((await first).value).toHaveLength(window.length);
    expect((await chunks.next()).value).toHaveLength(window.length);
    const third = failureOf(chunks.next());
    await isRead();
    time.advanceMs(NODE_TIMEOUT_MS);
    expect(await third).toBe('broken');
  });
});

it('more scans than the node takes fail at once', async () => {
  node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxCallsInFlight: 1 });
  start();
  await until(() => node.frames.length === 1);
  const scan = { kind: 'scan', scan: { meta: false }, epoch: 0 } as const;
  const first = client.open(scan);
  await expect(client.open(scan).begun()).rejects.toMatchObject({ code: 'overloaded' });
  await expect(client.open({ kind: 'stats' }).begun()).rejects.toMatchObject({ failure: 'unconnected' });
  first.close();
});
