import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import {
  AnswerSize,
  DEFAULT_LIMITS,
  stringKey,
  stringValue,
  type Key,
  type QueryOutcome,
} from '@kvs/protocol';
import { ManualTime } from '@kvs/protocol/testing';
import { DeafPeer } from '../../test/deaf-peer.js';
import { encodeCalls, partOf } from '../../test/frames.js';
import type { Batch } from '../batch.js';
import { encodeAnswers } from '../codec/answers.js';
import { encodeSignal, FrameBuilder } from '../codec/frame-builder.js';
import { FRAME } from '../codec/frame.js';
import { encodeHello } from '../codec/hello.js';
import { encodeOpen } from '../codec/streams.js';
import { CallBudget } from '../testing/call-budget.js';
import { HeldStore } from '../testing/held-store.js';
import { callWith, type Call } from './calls-in-flight.js';
import { LinkConnection, MAX_FRAME_BYTES } from './link-connection.js';
import { DEFAULT_LINK_OPTIONS } from './link-options.js';
import { LinkServer, type LinkServerOptions } from './link-server.js';
import type { NodeOperations } from './node-operations.js';

const MIB = 2 ** 20;
const builder = new FrameBuilder();
const hello = Buffer.from(
  encodeHello(builder, { maxFrameBytes: MIB, maxCallsInFlight: 100, maxBytesInFlight: MIB }),
);
const ping = Buffer.from(encodeSignal(builder, FRAME.ping));
const pings = Buffer.concat(Array<Buffer>(6000).fill(ping));
const key = stringKey('k');

/** Reads nothing before it is told to. */
class LatePeer extends DeafPeer {
  #written: (() => void) | undefined;
  #reads = false;

  override _write(_chunk?: unknown, _encoding?: unknown, done?: () => void): void {
    this.#written = done;
    if (this.#reads) done?.();
  }

  readAll(): void {
    this.#reads = true;
    this.#written?.();
  }
}

/** Waits for so many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate();
}

describe('a node', () => {
  let store: HeldStore;
  let server: LinkServer;
  let time: ManualTime;
  let breaches: string[];

  beforeEach(() => {
    store = new HeldStore();
    time = new ManualTime();
    breaches = [];
  });
  afterEach(() => server.close());

  function start(options: Partial<LinkServerOptions> = {}, operations: NodeOperations = store): void {
    server = new LinkServer(operations, {
      limits: DEFAULT_LIMITS,
      maxInFlightRequests: 4096,
      maxInFlightBytes: 16 * MIB,
      admission: new CallBudget(4096, 16 * MIB),
      timers: time,
      onError: (error) => expect(error).toBeUndefined(),
      onBreach: (message) => breaches.push(message),
      ...options,
    });
  }

  /** A link of a proxy that says hello and reads nothing. */
  async function attack(peer = new DeafPeer()): Promise<DeafPeer> {
    server.accept(new IncomingMessage(new Socket()), peer, Buffer.alloc(0));
    await peer.say(hello);
    return peer;
  }

  const calls = (batch: Batch, count = 1): Buffer =>
    Buffer.from(
      encodeCalls(
        builder,
        Array.from({ length: count }, (_, id) => ({ id, batch })),
      ),
    );
  const fetch: Batch = { kind: 'fetch', items: [key] };

  /** Fills the store with a value of so many bytes. */
  const fill = (bytes: number) => store.set([{ key, value: stringValue('v'.repeat(bytes)) }]);

  it('that is sent pings without end keeps next to no pongs', async () => {
    start();
    const peer = await attack();
    await peer.say(pings, 50);
    await peer.say(ping, 20_000);
    expect(peer.writableLength).toBeLessThan(100_000);
    expect(server.size).toBe(1);
  });

  it.each(['at once', 'one by one'])(
    'that is asked for values %s that nobody reads keeps few',
    async (how) => {
      start();
      await fill(100_000);
      const peer = await attack();
      if (how === 'at once') await peer.say(calls(fetch, 1000));
      else await peer.say(calls(fetch), 1000);
      expect(peer.writableLength).toBeGreaterThan(100_000);
      expect(peer.writableLength).toBeLessThan(3 * MIB);
      expect(store.began.length).toBeLessThan(50);
    },
  );

  it.each<[store: string, written: Key | undefined, atOnce: boolean]>([
    ['that answers later', undefined, false],
    ['that writes another key', stringKey('other'), true],
    ['that writes the same key', key, true],
    ['that answers later and writes the same key', key, false],
  ])(
    'that is asked for large values in one frame, with a store %s, keeps few',
    async (_, written, atOnce) => {
      const later: NodeOperations = {
        set: (items) => store.set(items),
        fetch: async (keys) => store.fetch(keys),
        query: (keys) => store.query(keys),
        delete: (items) => store.delete(items),
        scanLines: (request) => store.scanLines(request),
        stats: () => store.stats(),
      };
      start({ maxInFlightBytes: 64 * MIB }, atOnce ? store : later);
      await fill(MIB / 2);
      const peer = await attack();
      const value = stringValue('v'.repeat(MIB / 2));
      const fetches = Array.from({ length: 500 }, (_, id) => ({ id, batch: fetch }));
      const sets =
        written === undefined
          ? []
          : [{ id: 500, batch: { kind: 'set' as const, items: [{ key: written, value }] } }];
      const release = written && store.hold(written);
      await peer.say(encodeCalls(builder, [...sets, ...fetches]));
      release?.();
      await turns(100);
      expect(peer.writableLength).toBeGreaterThan(MIB);
      expect(peer.writableLength).toBeLessThan(16 * MIB);
      expect(peer.destroyed).toBe(false);
    },
  );

  const scan = (id: number): Buffer =>
    Buffer.from(
      encodeOpen(builder, {
        id,
        credit: MIB,
        request: { kind: 'scan', epoch: 0, scan: { meta: false, partitions: [] } },
      }),
    );

  it('reads no more from a proxy that opens scans without end and does not read the refusals', async () => {
    const ignore = (): void => undefined;
    const enter = () => ({ code: 'overloaded' as const, message: 'm'.repeat(1000) });
    start({ admission: { enter, leave: ignore, addUnread: ignore, addIncomplete: ignore } });
    const peer = await attack();
    await peer.say(Buffer.concat(Array.from({ length: 100 }, (_, id) => scan(id))), 100);
    expect(peer.writableLength).toBeGreaterThan(MIB);
    expect(peer.writableLength).toBeLessThan(3 * MIB);
  });

  it('buffers next to nothing of a scan that nobody reads, however much credit it has', async () => {
    start();
    store.scanChunks = async function* () {
      for (let i = 0; i < 1000; i++) yield Promise.resolve(new Uint8Array(10_000));
    };
    const peer = await attack();
    const request = { kind: 'scan', epoch: 0, scan: { meta: false } } as const;
    await peer.say(encodeOpen(builder, { id: 1, credit: 2 ** 32 - 1, request }));
    await turns(10);
    expect(peer.writableLength).toBeGreaterThan(10_000);
    expect(peer.writableLength).toBeLessThan(200_000);
  });

  it('reads frames that came in one packet with the request for the link', async () => {
    start();
    const peer = new DeafPeer();
    server.accept(new IncomingMessage(new Socket()), peer, Buffer.concat([hello, calls(fetch)]));
    await turns(2);
    expect(store.began).toEqual(['k']);
  });

  it('that is closed accepts no link', async () => {
    start();
    server.close();
    await attack();
    expect(server.size).toBe(0);
  });

  it('ends a link whose first frame is no hello', async () => {
    start();
    const peer = new DeafPeer();
    server.accept(new IncomingMessage(new Socket()), peer, Buffer.alloc(0));
    const other = Buffer.from(hello);
    other[4] = FRAME.goAway;
    await peer.say(other);
    expect([peer.destroyed, breaches.length]).toEqual([true, 1]);
  });

  it('that drains does not wait for a proxy that has read all and does not end its side', async () => {
    start();
    const peer = new LatePeer();
    peer.readAll();
    await attack(peer);
    let isDrained = false;
    void server.drain().then(() => (isDrained = true));
    await turns(10);
    expect([peer.destroyed, isDrained]).toEqual([false, false]);
    time.advanceMs(100);
    await turns(10);
    expect([peer.destroyed, isDrained]).toEqual([true, true]);
  });

  it('drains after a proxy opened two scans of one id, which ends the link', async () => {
    start();
    const peer = await attack();
    await peer.say(Buffer.concat([scan(1), scan(1)]));
    expect([peer.destroyed, breaches.length, server.counts.calls.scan]).toEqual([true, 1, 1]);
    let isDrained = false;
    void server.drain().then(() => (isDrained = true));
    await turns(10);
    expect(isDrained).toBe(true);
  });

  it('does nothing of a frame with a million empty calls, and ends the link', async () => {
    start();
    const peer = await attack();
    builder.begin(FRAME.calls);
    for (let i = 0; i < 1_000_000; i++) {
      builder.reserve(3);
      for (const number of [1, 2, 0]) builder.byte(number);
    }
    await peer.say(builder.finish());
    expect([peer.destroyed, store.began, server.counts.refused]).toEqual([true, [], 0]);
    expect(breaches).toHaveLength(1);
  });

  it('does nothing of a frame with more calls than its hello says, and ends the link', async () => {
    start({ maxInFlightRequests: 10 });
    const peer = await attack();
    await peer.say(calls(fetch, 11));
    expect([peer.destroyed, store.began]).toEqual([true, []]);
  });

  it('with frames that never end keeps as many bytes as it may, and ends the oldest', async () => {
    start();
    const unfinished = Buffer.alloc(8 * MIB);
    unfinished.writeUInt32LE(10 * MIB);
    const peers = [await attack(), await attack(), await attack()];
    for (const peer of peers) await peer.say(unfinished);
    expect(peers.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
    const other = await attack();
    await other.say(calls(fetch));
    expect(store.began).toHaveLength(1); // what is short is memory for unfinished frames, and for nothing else
  });

  it('with answers that nobody reads keeps as many bytes as it may, and ends the oldest link', async () => {
    start();
    await fill(MIB / 2);
    const often: Batch = { kind: 'fetch', items: Array<typeof key>(12).fill(key) };
    const peers = [await attack(), await attack(), await attack()];
    for (const peer of peers) await peer.say(calls(often));
    while (!peers.some(({ destroyed }) => destroyed)) await setImmediate();
    expect(peers.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  });

  it('counts also small answers that nobody reads', async () => {
    start({ maxInFlightBytes: 1.25 * MIB });
    await fill(MIB / 2);
    const peers = [await attack(), await attack(), await attack()];
    for (const peer of peers) await peer.say(calls(fetch));
    expect(peers.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
  });

  it.each<[string, (peer: LatePeer) => void]>([
    ['they are read', (peer) => peer.readAll()],
    ['their link has ended', () => server.close()],
  ])('counts unread answers no more when %s', async (_, end) => {
    let counted = 0;
    const admission = Object.assign(new CallBudget(4096, 16 * MIB), {
      addUnread: (bytes: number) => void (counted += bytes),
    });
    start({ admission });
    await fill(MIB / 2);
    const peer = new LatePeer();
    await attack(peer);
    await peer.say(calls(fetch));
    expect(counted).toBeGreaterThan(MIB / 2);
    end(peer);
    await turns(10);
    expect(counted).toBe(0);
  });

  it('with calls that wait until answers are read keeps as many bytes as it may, and ends the oldest link', async () => {
    let counted = 0;
    const admission = Object.assign(new CallBudget(4096, 16 * MIB), {
      addIncomplete: (bytes: number) => void (counted += bytes),
    });
    start({ maxInFlightBytes: 4 * MIB, admission });
    await fill(0.6 * MIB);
    const set: Batch = {
      kind: 'set',
      items: [{ key: stringKey('other'), value: stringValue('v'.repeat(1.5 * MIB)) }],
    };
    const frame = encodeCalls(builder, [
      { id: 1, batch: { kind: 'fetch', items: [key, key] } },
      { id: 2, batch: set },
    ]);
    const peers = [await attack(), await attack(), await attack()];
    // A frame that comes in parts is not counted beside its own calls.
    for (const peer of peers)
      for (const part of [frame.subarray(0, -100), frame.subarray(-100)]) await peer.say(Buffer.from(part));
    expect(store.began).not.toContain('other');
    expect(peers.map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
    expect(counted).toBeGreaterThan(3 * MIB);
    expect(counted).toBeLessThan(4 * MIB);
    server.close();
    expect(counted).toBe(0);
  });

  it('tells of one breach a minute, however many there are', async () => {
    start();
    for (let i = 0; i < 120; i++) {
      const peer = await attack();
      await peer.say(Buffer.alloc(10, 0xfe));
      expect(peer.destroyed).toBe(true);
      time.advanceMs(1000);
    }
    expect(breaches).toHaveLength(2);
  });
});

/** The id of the first call that a proxy sends over a connection. */
const FIRST_ID = 1;

describe('a proxy', () => {
  let node: DeafPeer;
  let connection: LinkConnection;
  let breaches: string[];
  let time: ManualTime;

  async function start(): Promise<void> {
    breaches = [];
    time = new ManualTime();
    node = new DeafPeer();
    const all = { ...DEFAULT_LINK_OPTIONS, nodeTimeoutMs: 1000, timers: time };
    const ignore = (): void => undefined;
    connection = new LinkConnection(
      'node:1',
      node,
      { ...all, onBreach: (message) => breaches.push(message) },
      { opened: ignore, answered: ignore, writable: ignore, goingAway: ignore, lost: ignore },
    );
    await node.say(hello);
  }
  afterEach(() => connection.close('the test is over'));

  /** Sends calls over the connection, and returns what became of them. */
  const query = (count: number, weight = 40 * count): Promise<readonly QueryOutcome[] | Error> =>
    callWith('query', partOf(Array<typeof key>(count).fill(key), weight), 0, (call: Call) => {
      call.deadlineMs = time.nowMs() + 1000;
      connection.send([call]);
    }).catch((error: Error) => error);

  const answer = (id: number, count: number): Buffer => {
    const outcomes = Array.from({ length: count }, () => ({ ok: true as const, present: true }));
    const limits = { frameBytes: MIB, maxFrameBytes: MIB };
    return Buffer.concat(encodeAnswers(builder, [{ id, kind: 'query', outcomes }], limits));
  };

  it('that is sent pings without end keeps next to no pongs', async () => {
    await start();
    await node.say(pings, 50);
    await node.say(ping, 20_000);
    expect(node.writableLength).toBeLessThan(100_000);
    expect(node.destroyed).toBe(false);
  });

  it('that is answered what it did not ask ends the link, and says why', async () => {
    await start();
    const call = query(1);
    await node.say(answer(7, 1));
    expect(await call).toMatchObject({ failure: 'broken' });
    expect([node.destroyed, breaches]).toEqual([
      true,
      ['the link to node:1 was closed: an answer to the call 7, which is not open'],
    ]);
  });

  it('ends the link to a node that goes away and then answers nothing', async () => {
    await start();
    const call = query(1);
    await node.say(encodeSignal(builder, FRAME.goAway));
    expect(node.destroyed).toBe(false);
    time.advanceMs(1000);
    connection.expire(time.nowMs());
    expect(await call).toMatchObject({ failure: 'timeout' });
    expect(node.destroyed).toBe(true);
  });

  it('ends the link to a node that goes away when the last call has failed, however many failed before', async () => {
    await start();
    void query(1);
    time.advanceMs(500);
    const last = query(1);
    await node.say(encodeSignal(builder, FRAME.goAway));
    for (const isOver of [false, true]) {
      time.advanceMs(500);
      connection.expire(time.nowMs());
      expect(node.destroyed).toBe(isOver);
    }
    expect(await last).toMatchObject({ failure: 'timeout' });
  });

  it('ends the link to a node that goes away once a fetch is refused whose answer goes on', async () => {
    await start();
    const call = callWith(
      'fetch',
      partOf([key, key], 80),
      0,
      (pending) => {
        pending.deadlineMs = time.nowMs() + 1000;
        connection.send([pending]);
      },
      new AnswerSize(10),
    );
    const failure = expect(call).rejects.toMatchObject({ code: 'answer_too_large' });
    await node.say(encodeSignal(builder, FRAME.goAway));
    expect(node.destroyed).toBe(false);
    const entry = { value: stringValue('v'.repeat(100)), version: 1 };
    const begun = [{ id: FIRST_ID, kind: 'fetch' as const, outcomes: [{ ok: true as const, entry }] }];
    const limits = { frameBytes: MIB, maxFrameBytes: MIB };
    await node.say(Buffer.concat(encodeAnswers(builder, begun, limits)));
    await failure;
    expect(node.destroyed).toBe(true);
  });

  it('has the room of a call again when its answer comes too late', async () => {
    await start();
    const call = query(2);
    time.advanceMs(1000);
    connection.expire(time.nowMs());
    expect(await call).toMatchObject({ failure: 'timeout' });
    const { calls } = connection;
    expect([calls.isIdle, calls.size, calls.bytes]).toEqual([true, 1, 80]);
    await node.say(answer(FIRST_ID, 2));
    expect([calls.isIdle, calls.size, calls.bytes]).toEqual([true, 0, 0]);
  });

  it('ends the link when half of the bytes that the node takes were never answered', async () => {
    await start();
    for (const [weight, isStuck] of [
      [MIB / 2, false],
      [1, true],
    ] as const) {
      const call = query(1, weight);
      time.advanceMs(1000);
      connection.expire(time.nowMs());
      expect(await call).toMatchObject({ failure: 'timeout' });
      expect(node.destroyed).toBe(isStuck);
    }
  });

  it('takes no frame beyond its limit', async () => {
    await start();
    const large = Buffer.alloc(10);
    large.writeUInt32LE(MAX_FRAME_BYTES);
    await node.say(large);
    expect(node.destroyed).toBe(true);
  });
});
