import { createServer, IncomingMessage, type Server } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { DEFAULT_LIMITS, stringKey, stringValue, type FetchOutcome, type MaybePromise } from '@kvs/protocol';
import { ManualTime, until } from '@kvs/protocol/testing';
import { RawLink } from '../../test/raw-link.js';
import type { Batch } from '../batch.js';
import { encodeSignal } from '../codec/frame-builder.js';
import { FRAME } from '../codec/frame.js';
import { encodeCredit, encodeOpen } from '../codec/streams.js';
import { CallBudget } from '../testing/call-budget.js';
import { HeldStore, type Release } from '../testing/held-store.js';
import { LinkAttempt } from './link-attempt.js';
import { LinkServer, type LinkServerOptions } from './link-server.js';

const [a, b] = [stringKey('a'), stringKey('b')];
const query = (key = b): Batch => ({ kind: 'query', items: [key] });
const set = (key = b): Batch => ({ kind: 'set', items: [{ key, value: stringValue('v'.repeat(100)) }] });
const absent = [{ ok: true, present: false }];

let store: HeldStore;
let http: Server;
let server: LinkServer;
let errors: unknown[];
let link: RawLink;
let breaches: string[];
const links: RawLink[] = [];

async function start(options: Partial<LinkServerOptions> = {}): Promise<void> {
  store = new HeldStore();
  errors = [];
  breaches = [];
  server = new LinkServer(store, {
    limits: DEFAULT_LIMITS,
    maxInFlightRequests: 100,
    maxInFlightBytes: 2 ** 20,
    admission: new CallBudget(options.maxInFlightRequests ?? 100, options.maxInFlightBytes ?? 2 ** 20),
    onError: (error) => errors.push(error),
    onBreach: (message) => breaches.push(message),
    ...options,
  });
  http = createServer();
  http.on('upgrade', (request, socket, head) => server.accept(request, socket, head));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  links.length = 0;
  link = await openLink();
}
async function openLink(maxFrameBytes?: number): Promise<RawLink> {
  const opened = await RawLink.open((http.address() as AddressInfo).port, maxFrameBytes);
  links.push(opened);
  return opened;
}
afterEach(async () => {
  for (const { socket } of links) socket.destroy();
  server.close();
  await new Promise((resolve) => http.close(resolve));
});

/** Resolves when the node has read what was written. */
async function isRead(): Promise<void> {
  const before = link.frames.filter((frame) => frame === FRAME.pong).length;
  link.socket.write(encodeSignal(link.builder, FRAME.ping));
  await until(() => link.frames.filter((frame) => frame === FRAME.pong).length > before);
  await setImmediate();
}

it('answers all calls of a frame in one frame, in order', async () => {
  await start();
  link.call([1, set()], [2, query()], [3, { kind: 'delete', items: [{ key: b }] }], [4, query()]);
  await until(() => link.answers.length === 4);
  expect(link.frames).toEqual([FRAME.hello, FRAME.answers]);
  expect(link.answers).toEqual([
    [1, [{ ok: true, version: 1, created: true }]],
    [2, [{ ok: true, present: true }]],
    [3, [{ ok: true, deleted: true }]],
    [4, absent],
  ]);
});

it('sends no frame that is larger than the proxy takes', async () => {
  await start();
  const other = await openLink(2 ** 17);
  const items = Array.from({ length: 50 }, (_, i) => stringKey(`${i}`)).map((key) => ({
    key,
    value: stringValue('v'.repeat(10_000)),
  }));
  other.call([1, { kind: 'set', items }], [2, { kind: 'fetch', items: items.map(({ key }) => key) }]);
  await until(() => other.answers.length === 2);
  expect(other.answers[1]?.[1]).toMatchObject(items.map(({ value }) => ({ ok: true, entry: { value } })));
});

it('has as many reads of one key go on together as may be unanswered, each time', async () => {
  await start({ maxInFlightBytes: 80 }); // two queries have 66
  for (const begun of [2, 4]) {
    const release = store.hold(a);
    link.call([1, query(a)], [2, query(a)]);
    await store.hasBegun(begun);
    release();
    await until(() => link.answers.length === begun);
  }
});

describe('a scan', () => {
  const request = { kind: 'scan', scan: { meta: false }, epoch: 0 } as const;
  const chunks = () => link.frames.filter((frame) => frame === FRAME.chunk).length;

  it('is sent while it has credit, of which the last chunk may take more than there is', async () => {
    await start();
    store.scanChunks = async function* () {
      for (let i = 0; i < 4; i++) yield Promise.resolve(new Uint8Array(10));
    };
    link.socket.write(encodeOpen(link.builder, { id: 1, credit: 15, request }));
    await until(() => chunks() === 2);
    link.socket.write(encodeCredit(link.builder, 1, 5));
    await isRead();
    await isRead();
    expect(chunks()).toBe(2);
    link.socket.write(encodeCredit(link.builder, 1, 1));
    await until(() => chunks() === 3);
    link.socket.write(encodeCredit(link.builder, 1, 10));
    await until(() => link.frames.includes(FRAME.end));
    expect(chunks()).toBe(4);
  });

  it('beyond as many streams as calls may be unanswered ends the link, though none beyond the others', async () => {
    await start({ maxInFlightRequests: 2 });
    const stats = { kind: 'stats' } as const;
    for (const id of [1, 2]) link.socket.write(encodeOpen(link.builder, { id, credit: 0, request: stats }));
    await isRead();
    expect(link.closed).toBe(false);
    link.socket.write(encodeOpen(link.builder, { id: 3, credit: 0, request: stats }));
    await until(() => link.closed);
    expect(breaches).toEqual([expect.stringContaining('more streams are open than the node takes')]);
  });
});

it('sends statistics also while it takes no call, because an operator wants them most then', async () => {
  await start({ admission: new CallBudget(0, 0) });
  link.call([1, query()]);
  link.socket.write(encodeOpen(link.builder, { id: 1, credit: 1, request: { kind: 'stats' } }));
  await until(() => link.frames.includes(FRAME.end));
  expect([link.answers, link.frames.includes(FRAME.chunk)]).toEqual([[[1, 'overloaded']], true]);
});

it('ends a link that the proxy ends, and one that is silent for a minute', async () => {
  await start();
  const accepted = new Promise<Duplex>((resolve) => http.once('upgrade', (_, socket) => resolve(socket)));
  link.socket.end();
  await until(() => server.size === 0);
  const silent = await openLink();
  const socket = await accepted;
  expect(socket).toHaveProperty('timeout', 60_000);
  socket.emit('timeout'); // as Node says after that time
  await until(() => silent.closed);
  expect([server.size, breaches]).toEqual([0, []]);
});

it('shows that a scan goes on while it finds nothing, without any credit, but not at each step', async () => {
  const time = new ManualTime();
  await start({ timers: time });
  store.scanChunks = async function* () {
    for (let i = 0; i < 20; i++) {
      time.advanceMs(3);
      yield new Uint8Array();
    }
  };
  const request = { kind: 'scan', scan: { meta: false }, epoch: 0 } as const;
  link.socket.write(encodeOpen(link.builder, { id: 1, credit: 0, request }));
  await until(() => link.frames.includes(FRAME.end));
  expect(link.frames).toEqual([FRAME.hello, ...new Array(5).fill(FRAME.chunk), FRAME.end]);
});

it('refuses scans, over all links, beyond a quarter of the requests in flight, or one', async () => {
  await start({ maxInFlightRequests: 3 });
  const other = await openLink();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  store.scanChunks = async function* () {
    await ended;
    yield new Uint8Array();
  };
  const request = { kind: 'scan', scan: { meta: false }, epoch: 0 } as const;
  const open = ({ socket, builder }: RawLink, id: number) =>
    socket.write(encodeOpen(builder, { id, credit: 0, request }));
  const hasEnded = ({ frames }: RawLink) => frames.includes(FRAME.end);
  open(link, 1);
  link.call([2, query()]);
  await until(() => link.answers.length === 1);
  open(other, 1);
  await until(() => hasEnded(other));
  expect([hasEnded(link), server.counts.calls.scan, server.counts.refused]).toEqual([false, 1, 1]);
  end();
  await until(() => hasEnded(link));
  open(other, 2);
  await until(() => other.frames.filter((frame) => frame === FRAME.end).length === 2);
  expect([server.counts.calls.scan, server.counts.refused]).toEqual([2, 1]);
});

it('ends the scans of a link that has ended, although nobody reads them', async () => {
  await start({ maxInFlightRequests: 4 });
  await store.set([{ key: a, value: stringValue('v') }]);
  const request = { kind: 'scan', scan: { meta: false }, epoch: 0 } as const;
  link.socket.write(encodeOpen(link.builder, { id: 1, credit: 0, request }));
  await until(() => store.openScans === 1);
  link.socket.destroy();
  await until(() => store.openScans === 0);
  const other = await openLink();
  other.socket.write(encodeOpen(other.builder, { id: 1, credit: 1000, request }));
  await until(() => other.frames.includes(FRAME.end));
  expect([server.counts.calls.scan, server.counts.refused]).toEqual([2, 0]);
});

it('answers a ping', async () => {
  await start();
  link.socket.write(encodeSignal(link.builder, FRAME.ping));
  await until(() => link.frames.includes(FRAME.pong));
  expect(link.closed).toBe(false);
});

it('answers a ping while as many calls are unanswered as may be: it is busy, and not gone', async () => {
  await start({ maxInFlightRequests: 1 });
  const release = store.hold(a);
  link.call([1, set(a)]);
  await store.hasBegun(1);
  link.socket.write(encodeSignal(link.builder, FRAME.ping));
  await until(() => link.frames.includes(FRAME.pong));
  release();
  await until(() => link.answers.length === 1);
});

it.each([
  ['garbage', Buffer.alloc(100, 0xfe)],
  ['a frame that only a node sends', undefined],
])('closes a link on which %s comes', async (_, bytes) => {
  await start();
  link.socket.write(bytes ?? encodeSignal(link.builder, FRAME.answers));
  await until(() => link.closed);
  expect(server.size).toBe(0);
  expect(store.began).toEqual([]);
});

it.each<[string, Partial<LinkServerOptions>]>([
  ['a node of no cluster', {}],
  [
    'a node of a cluster',
    {
      peers: {
        identity: () => ({ clusterId: 'orders', bootId: 'b' }),
        receive: () => errors.push('received'),
        heard: () => errors.push('heard'),
      },
    },
  ],
])('a link of a proxy over which messages of a node come to %s is closed', async (_, options) => {
  await start(options);
  link.socket.write(encodeSignal(link.builder, FRAME.messages));
  await until(() => link.closed);
  expect(breaches).toEqual([expect.stringContaining('only nodes of a cluster send messages')]);
  expect(errors).toEqual([]);
});

describe.each<[string, Partial<LinkServerOptions>]>([
  ['calls', { maxInFlightRequests: 1 }],
  ['bytes', { maxInFlightBytes: 50 }],
])('more %s than may be in flight', (_, limits) => {
  it('are refused, over all links, until there is room', async () => {
    await start(limits);
    const other = await openLink();
    const release = store.hold(a);
    link.call([1, set(a)]);
    await store.hasBegun(1);
    other.call([2, query()]);
    await until(() => other.answers.length === 1);
    expect(other.answers).toEqual([[2, 'overloaded']]);
    release();
    await until(() => link.answers.length === 1);
    other.call([3, query()]);
    await until(() => other.answers.length === 2);
    expect(other.answers[1]).toEqual([3, absent]);
  });

  it('close the link of a proxy that was told so', async () => {
    await start(limits);
    const release = store.hold(a);
    link.call([1, set(a)]);
    link.call([2, query()]);
    await until(() => link.closed);
    expect(breaches).toEqual([
      expect.stringMatching(/^the link from .* was closed: .* than the node takes$/),
    ]);
    release();
  });
});

it.each<[string, Partial<LinkServerOptions>, number]>([
  ['calls', { maxInFlightRequests: 3 }, 10],
  ['bytes', {}, 600_000],
])('closes a link on which more %s come than may be unanswered, if calls wait', async (_, limits, length) => {
  await start(limits);
  const release = store.hold(a);
  const write: Batch = { kind: 'set', items: [{ key: b, value: stringValue('v'.repeat(length)) }] };
  link.call([1, { kind: 'fetch', items: [a] }], [2, { kind: 'fetch', items: [b] }], [3, write]);
  await store.hasBegun(1);
  link.call([4, write]);
  await until(() => link.closed);
  expect(breaches).toEqual([expect.stringMatching(/ than the node takes$/)]);
  expect(store.began).toEqual(['a']);
  release();
});

it('gives the room of a fetch to the call that waits for it', async () => {
  await start({ admission: new CallBudget(1, 2 ** 20) });
  const release = store.hold(a);
  link.call([1, { kind: 'fetch', items: [a] }], [2, { kind: 'fetch', items: [b] }]);
  await store.hasBegun(1);
  release();
  await until(() => link.answers.length === 2);
  expect(link.answers[1]).toEqual([2, [{ ok: true, entry: null }]]);
});

it('starts fetches together that bring less than the budget, whose values are limited by their keys or in all', async () => {
  await start({ limits: { ...DEFAULT_LIMITS, maxValueBytes: 400_000, maxAnswerBytes: 600_000 } });
  const release = store.hold(a);
  link.call([1, { kind: 'fetch', items: [a] }], [2, { kind: 'fetch', items: Array(50).fill(a) }]);
  await store.hasBegun(51);
  link.call([3, { kind: 'fetch', items: [b] }]);
  await isRead();
  expect(store.began).not.toContain('b');
  release();
  await until(() => link.answers.length === 3);
});

it('starts a query while a fetch is unfinished that may bring more than the budget', async () => {
  await start();
  const release = store.hold(a);
  link.call([1, { kind: 'fetch', items: [a] }], [2, query()]);
  await until(() => link.answers.length === 1);
  expect(link.answers).toEqual([[2, absent]]);
  release();
});

it('starts no waiting call after the link has ended', async () => {
  await start();
  const release = store.hold(a);
  link.call([1, { kind: 'fetch', items: [a] }], [2, { kind: 'fetch', items: [b] }], [3, set()]);
  await store.hasBegun(1);
  link.socket.destroy();
  await until(() => server.size === 0);
  release();
  await setImmediate();
  expect(store.began).toEqual(['a']);
});

it('refuses an answer that would be too large', async () => {
  await start({ limits: { ...DEFAULT_LIMITS, maxAnswerBytes: 150 } });
  link.call([1, set()], [2, { kind: 'fetch', items: [b, b] }], [3, { kind: 'fetch', items: [b] }]);
  await until(() => link.answers.length === 3);
  expect(link.answers[1]).toEqual([2, 'answer_too_large']);
  expect(link.answers[2]?.[1]).toMatchObject([{ ok: true }]);
});

it('tells of an unforeseen failure, and says little of it', async () => {
  await start();
  store.failure = new TypeError('a defect');
  link.call([1, query()]);
  await until(() => link.answers.length === 1);
  expect(link.answers).toEqual([[1, 'internal_error']]);
  expect(errors).toEqual([store.failure]);
});

describe('at shutdown', () => {
  /** One call is in flight when the node is told to stop, until it is released. */
  async function drainWithOneCall(): Promise<{ release: Release; drained: Promise<void> }> {
    await start();
    const release = store.hold(a);
    link.call([1, set(a)]);
    await store.hasBegun(1);
    const drained = server.drain();
    await until(() => link.frames.includes(FRAME.goAway));
    return { release, drained };
  }

  it('goes away, answers the calls in flight, refuses further calls, and ends the link', async () => {
    const { release, drained } = await drainWithOneCall();
    link.call([2, query()]);
    await until(() => link.answers.length === 1);
    release();
    await until(() => link.answers.length === 2);
    expect(link.answers).toEqual([
      [2, 'shutting_down'],
      [1, [{ ok: true, version: 1, created: true }]],
    ]);
    link.socket.end();
    await drained;
    expect(server.size).toBe(0);
  });

  it('refuses the calls that have not started, also if the proxy reads late', async () => {
    const time = new ManualTime();
    await start({ maxInFlightRequests: 200, timers: time });
    link.call([1, { kind: 'set', items: [{ key: a, value: stringValue('v'.repeat(500_000)) }] }]);
    await until(() => link.answers.length === 1);
    link.socket.pause();
    const reads = Array.from({ length: 100 }, (_, i) => [2 + i, { kind: 'fetch', items: [a] }] as const);
    link.call(...reads, [200, { kind: 'delete', items: [{ key: a }] }]);
    await store.hasBegun(2);
    const drained = server.drain();
    await setImmediate();
    time.advanceMs(1000);
    link.socket.resume();
    await drained;
    await until(() => link.closed);
    expect(link.answers.map(([id]) => id)).toEqual([1, ...reads.map(([id]) => id), 200]);
    expect(link.answers.at(-1)).toEqual([200, 'shutting_down']);
  });

  it('does not wait long for a proxy that stays', async () => {
    await start();
    await server.drain();
    await until(() => link.closed);
    expect(server.size).toBe(0);
  });

  it('stops waiting for calls in flight when it is closed', async () => {
    const { release, drained } = await drainWithOneCall();
    server.close();
    await drained;
    await server.drain();
    expect(server.size).toBe(0);
    release();
  });

  it('accepts no further link', async () => {
    await start();
    await server.drain();
    const { port } = http.address() as AddressInfo;
    const outcome = await new Promise((resolve) => {
      new LinkAttempt(`127.0.0.1:${port}`, new ManualTime(), 1000, {
        begin: (socket) => {
          resolve('begun');
          return { close: () => socket.destroy() };
        },
        failed: ({ message }) => resolve(message),
      });
    });
    expect(outcome).toBe('no connection (answered 503)');
  });

  it('outlives a connection that breaks while it is refused', async () => {
    await start();
    await server.drain();
    const socket = new PassThrough();
    server.accept(new IncomingMessage(new Socket()), socket, Buffer.alloc(0));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.destroy(new Error('reset by peer'));
    await closed;
    expect(socket.listenerCount('error')).toBe(1);
  });

  it('has no links to wait for when there are none', async () => {
    await start();
    link.socket.destroy();
    await server.drain();
    expect(server.size).toBe(0);
  });
});

it.each([
  ['at once', (done: MaybePromise<readonly FetchOutcome[]>) => done],
  ['later', async (done: MaybePromise<readonly FetchOutcome[]>) => Promise.resolve(done)],
])(
  'does no more than the other end reads of a store that answers %s, and then the rest in its order',
  async (_, answer) => {
    await start({ maxInFlightRequests: 200 });
    const fetch = store.fetch.bind(store);
    store.fetch = (keys) => answer(fetch(keys));
    const large = stringValue('v'.repeat(500_000));
    link.call([1, { kind: 'set', items: [{ key: a, value: large }] }]);
    await until(() => link.answers.length === 1);
    link.socket.pause();
    const reads = Array.from({ length: 100 }, (_, i) => [2 + i, { kind: 'fetch', items: [a] }] as const);
    link.call(...reads, [200, { kind: 'delete', items: [{ key: a }] }]);
    await store.hasBegun(2);
    expect(store.began.length).toBeLessThan(reads.length / 2);
    link.socket.resume();
    await until(() => link.answers.length === 102);
    expect(link.answers.map(([id]) => id)).toEqual([1, ...reads.map(([id]) => id), 200]);
    expect(link.answers.slice(1, -1).every(([, outcomes]) => JSON.stringify(outcomes).length > 500_000)).toBe(
      true,
    );
    expect(link.answers.at(-1)).toEqual([200, [{ ok: true, deleted: true }]]);
  },
);

it('answers all when the other end reads its answers late', async () => {
  await start({ maxInFlightRequests: 300 });
  const large = stringValue('v'.repeat(500_000));
  link.call([1, { kind: 'set', items: [{ key: a, value: large }] }]);
  await until(() => link.answers.length === 1);
  link.socket.pause();
  const reads = 200;
  for (let i = 0; i < reads; i++) link.call([2 + i, { kind: 'fetch', items: [a] }]);
  await store.hasBegun(2);
  link.socket.resume();
  await until(() => link.answers.length === 1 + reads);
  expect(link.closed).toBe(false);
});
