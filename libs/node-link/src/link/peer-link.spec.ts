import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { DEFAULT_LIMITS } from '@kvs/protocol';
import { ManualTime, until } from '@kvs/protocol/testing';
import { FakeLinkNode, PEER } from '../../test/fake-link-node.js';
import { message, testCodec, type TestMessage } from '../../test/peer-codec.js';
import type { PeerIdentity } from '../codec/hello.js';
import { receiveMessages } from '../codec/peer-messages.js';
import { encodeSignal } from '../codec/frame-builder.js';
import { FRAME } from '../codec/frame.js';
import { CallBudget } from '../testing/call-budget.js';
import { HeldStore } from '../testing/held-store.js';
import { LinkServer } from './link-server.js';
import { PeerLink, type PeerLinkOptions } from './peer-link.js';

const own: PeerIdentity = { clusterId: 'orders', bootId: 'boot-a' };
const other: PeerIdentity = { clusterId: 'orders', bootId: 'boot-b' };

let time: ManualTime;
let link: PeerLink<TestMessage>;
/** What happened, in order. */
let events: string[];
let breaches: string[];

beforeEach(() => {
  time = new ManualTime();
  events = [];
  breaches = [];
});

function dial(address: string, options: Partial<PeerLinkOptions<TestMessage>> = {}): void {
  link = new PeerLink(
    address,
    {
      own,
      bootId: other.bootId,
      codec: testCodec,
      timers: time,
      onBreach: (reason) => {
        breaches.push(reason);
        events.push('breach');
      },
      ...options,
    },
    { up: () => events.push('up'), down: () => events.push('down'), drained: () => events.push('drained') },
  );
}

describe('messages to a node', () => {
  let http: Server;
  let server: LinkServer;
  let serverBreaches: string[];
  let received: [string, TestMessage][];
  /** From whom input has come that was not the end of a message. */
  let heard: string[];

  async function start(identity: PeerIdentity | undefined): Promise<string> {
    received = [];
    heard = [];
    serverBreaches = [];
    server = new LinkServer(new HeldStore(), {
      limits: DEFAULT_LIMITS,
      maxInFlightRequests: 100,
      maxInFlightBytes: 2 ** 20,
      admission: new CallBudget(100, 2 ** 20),
      onError: (error) => expect(error).toBeUndefined(),
      onBreach: (reason) => serverBreaches.push(reason),
      peers: receiveMessages(
        () => identity,
        testCodec,
        (from, got) => {
          received.push([from, got]);
          events.push('received');
        },
        (from) => {
          if (received.length === 0) heard.push(from);
        },
      ),
    });
    http = createServer();
    http.on('upgrade', (request, socket, head) => server.accept(request, socket, head));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(http.address() as AddressInfo).port}`;
  }
  afterEach(async () => {
    link.close();
    server.close();
    await new Promise((resolve) => http.close(resolve));
  });

  it('come in order, with the boot id of the sender', async () => {
    dial(await start(other));
    await until(() => link.isUp);
    const sent = [message(1), message(2, 'text', ''), message(2 ** 32 - 1, '日本')];
    for (const each of sent) expect(link.send(each)).toBe(true);
    await until(() => received.length === 3);
    expect(received).toEqual(sent.map((each) => [own.bootId, each]));
  });

  it('may be as large as the largest pair that the node takes', async () => {
    dial(await start(other));
    await until(() => link.isUp);
    const { maxKeyBytes, maxValueBytes } = DEFAULT_LIMITS;
    link.send(message(1, 'x'.repeat(200_000)));
    link.send(message(2, 'f'.repeat(2 * (maxKeyBytes + maxValueBytes))));
    await until(() => received.length === 2);
    expect(received.map(([, { number }]) => number)).toEqual([1, 2]);
  });

  it('are heard of before the last part of them has come', async () => {
    dial(await start(other));
    await until(() => link.isUp);
    link.send(message(1, 'x'.repeat(2 ** 21)));
    await until(() => received.length === 1);
    expect(new Set(heard)).toEqual(new Set([own.bootId]));
  });

  it('come from the newest link of the sender only, because those of an older link are outdated', async () => {
    const address = await start(other);
    dial(address, { own: { ...own, bootId: 'boot-c' } });
    await until(() => link.isUp);
    const another = link;
    dial(address);
    await until(() => link.isUp);
    const older = link;
    dial(address, { timers: new ManualTime() });
    await until(() => events.includes('down'));
    expect([older.isUp, link.isUp, another.isUp, server.size]).toEqual([false, true, true, 2]);
    older.close();
    another.close();
    link.send(message(2));
    await until(() => received.length === 1);
    expect(received).toEqual([[own.bootId, message(2)]]);
    expect(serverBreaches).toEqual([]);
  });

  it('are all sent before the link is closed, and nothing happens afterwards', async () => {
    dial(await start(other));
    await until(() => link.isUp);
    link.send(message(1, 'x'.repeat(1000)));
    link.close();
    await until(() => received.length === 1);
    while (server.size > 0) await setImmediate();
    expect(link.send(message(2))).toBe(false);
    expect(events).toEqual(['up', 'received']);
  });

  it.each<[string, PeerIdentity | undefined, RegExp]>([
    [
      'of another cluster',
      { ...other, clusterId: 'stock' },
      /it is of the cluster "stock", not of the cluster "orders"/,
    ],
    ['of no cluster', undefined, /it is of no cluster, not of the cluster "orders"/],
    ['with another boot id', { ...other, bootId: 'boot-c' }, /its boot id is "boot-c", not boot-b/],
  ])('are not sent to one %s, and the log says so', async (_, identity, reason) => {
    dial(await start(identity));
    await until(() => breaches.length === 1);
    expect(breaches).toEqual([expect.stringMatching(reason)]);
    expect([link.isUp, link.send(message(1))]).toEqual([false, false]);
    expect(events.filter((event) => event === 'up' || event === 'down')).toEqual([]);
  });

  it.each<[string, PeerIdentity | undefined, PeerIdentity, RegExp]>([
    [
      'of another cluster',
      other,
      { ...own, clusterId: 'stock' },
      /it is of the cluster "stock", not of the cluster "orders"/,
    ],
    ['while it has no cluster', undefined, own, /it is of a cluster, and this node is of none/],
    ['with its own boot id', other, { ...own, bootId: other.bootId }, /a node reached itself/],
  ])('are refused from one %s, and the log says so', async (_, identity, sender, reason) => {
    dial(await start(identity), { own: sender });
    await until(() => serverBreaches.length === 1);
    expect(serverBreaches).toEqual([expect.stringMatching(reason)]);
    expect(received).toEqual([]);
  });
});

describe('a link to a node', () => {
  let node: FakeLinkNode;
  let sockets: Duplex[];

  beforeEach(async () => {
    node = await FakeLinkNode.start();
    sockets = [];
    node.onUpgrade = (socket) => {
      sockets.push(socket);
      node.welcome(socket, { ...PEER, maxFrameBytes: 2 ** 22, identity: other });
    };
  });
  afterEach(async () => {
    link.close();
    await node.stop();
  });

  it('sends the messages of one turn in one frame', async () => {
    dial(node.address);
    await until(() => link.isUp);
    for (let i = 0; i < 3; i++) link.send(message(i));
    await until(() => node.messages.length === 3);
    link.send(message(3));
    await until(() => node.messages.length === 4);
    expect(node.frames).toEqual([FRAME.hello, FRAME.messages, FRAME.messages]);
    expect(node.hello?.identity).toEqual(own);
  });

  it('refuses messages while the node does not read, but urgent ones, and says when it takes more', async () => {
    dial(node.address);
    await until(() => link.isUp);
    sockets[0]?.pause();
    let sent = 0;
    while (link.send(message(sent, 'x'.repeat(100_000)))) {
      sent++;
      await setImmediate();
    }
    expect(link.send(message(sent++), 'urgent')).toBe(true);
    expect(link.send(message(0))).toBe(false);
    sockets[0]?.resume();
    await until(() => events.includes('drained'));
    await until(() => node.messages.length === sent);
    expect(node.messages.map(({ number }) => number)).toEqual([...Array(sent).keys()]);
    expect(link.send(message(0))).toBe(true);
    expect(events).toEqual(['up', 'drained']);
  });

  it('keeps urgent messages behind two of the largest frames that the node has not read yet', async () => {
    const maxFrameBytes = 12 * 2 ** 20;
    node.onUpgrade = (socket) => {
      sockets.push(socket);
      node.welcome(socket, { ...PEER, maxFrameBytes, identity: other });
    };
    dial(node.address);
    await until(() => link.isUp);
    sockets[0]?.pause();
    const large = 'x'.repeat(maxFrameBytes - 1000);
    for (const text of [large, large, 'beacon']) {
      link.send(message(1, text), 'urgent');
      await setImmediate();
    }
    sockets[0]?.resume();
    await until(() => node.messages.length === 3);
    expect([events, breaches]).toEqual([['up'], []]);
  });

  it('is closed when the node never reads, however urgent the messages are', async () => {
    dial(node.address);
    await until(() => link.isUp);
    sockets[0]?.pause();
    const large = 'x'.repeat(2 ** 20);
    for (let i = 0; i < 100 && link.isUp; i++) {
      link.send(message(1, large), 'urgent');
      await setImmediate();
    }
    expect(events).toEqual(['up', 'breach', 'down']);
    expect(breaches).toEqual([expect.stringContaining('it has not read for too long')]);
  });

  it('is closed for a message that is larger than the node takes, after send has returned, and opened again', async () => {
    dial(node.address);
    await until(() => link.isUp);
    link.send(message(1, 'x'.repeat(2 ** 22)));
    link.send(message(2, 'begun'));
    expect(events).toEqual(['up']);
    await until(() => events.length === 3);
    expect(events).toEqual(['up', 'breach', 'down']);
    expect(node.messages).toEqual([]);
    time.advanceMs(1000);
    await until(() => link.isUp);
    link.send(message(3, 'other'));
    await until(() => node.messages.length > 0);
    expect(node.messages).toEqual([message(3, 'other')]);
  });

  it('that broke is opened again after pauses that double up to a second', async () => {
    node.onUpgrade = (socket) => {
      sockets.push(socket);
      socket.destroy();
    };
    dial(node.address);
    const pauses: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      await until(() => sockets.length === attempt);
      // The only timer is the pause once the attempt has failed.
      while (time.waits.length !== 1 || time.waits[0] === 2000) await setImmediate();
      const [pause = 0] = time.waits;
      pauses.push(pause);
      time.advanceMs(pause);
    }
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
  });

  it('that broke is opened at once when there is something to send, which is not sent', async () => {
    dial(node.address);
    await until(() => link.isUp);
    time.advanceMs(60);
    node.hangUp();
    await until(() => events.includes('down'));
    expect(link.send(message(1))).toBe(false);
    await until(() => link.isUp);
    expect(link.send(message(2))).toBe(true);
    await until(() => node.messages.length > 0);
    expect(node.messages).toEqual([message(2)]);
    expect(events).toEqual(['up', 'down', 'up']);
  });

  it('does not send what was given before it broke over the next connection', async () => {
    dial(node.address);
    await until(() => link.isUp);
    time.advanceMs(60);
    node.hangUp();
    while (link.isUp) {
      link.send(message(1));
      await setImmediate();
    }
    time.advanceMs(1000);
    await until(() => link.isUp);
    link.send(message(2));
    await until(() => node.messages.some(({ number }) => number === 2));
    expect(node.messages.filter(({ number }) => number === 1)).toEqual([]);
  });

  it('says so if no link is offered at the address, and tries again', async () => {
    node.onUpgrade = (socket) => {
      sockets.push(socket);
      socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n');
    };
    dial(node.address);
    await until(() => breaches.length === 1);
    expect(breaches).toEqual([`there is no link to ${node.address}: it is not a storage node`]);
    expect(time.waits).toEqual([50]);
    time.advanceMs(50);
    await until(() => sockets.length === 2);
  });

  it('gives an attempt up that comes to no hello', async () => {
    node.onUpgrade = (socket) => sockets.push(socket);
    dial(node.address);
    await until(() => sockets.length === 1);
    time.advanceMs(2000);
    expect(time.waits).toEqual([50]);
    await until(() => node.connections === 0);
  });

  it('sends pings while nothing comes, and is lost when nothing comes in spite of them', async () => {
    dial(node.address);
    await until(() => link.isUp);
    time.advanceMs(2000);
    await until(() => node.frames.includes(FRAME.ping));
    node.say(encodeSignal(node.builder, FRAME.pong));
    node.say(encodeSignal(node.builder, FRAME.ping));
    await until(() => node.frames.includes(FRAME.pong));
    expect(link.isUp).toBe(true);
    time.advanceMs(4000);
    expect(link.isUp).toBe(false);
    expect(events).toEqual(['up', 'down']);
  });

  it('carries messages to a node that goes away, until the node ends it', async () => {
    dial(node.address);
    await until(() => link.isUp);
    node.say(encodeSignal(node.builder, FRAME.goAway));
    node.say(encodeSignal(node.builder, FRAME.ping));
    await until(() => node.frames.includes(FRAME.pong));
    link.send(message(1));
    await until(() => node.messages.length === 1);
    node.hangUp();
    await until(() => events.includes('down'));
    expect(breaches).toEqual([]);
  });

  it.each(['calls', 'answers', 'messages'] as const)('is closed when %s come over it', async (type) => {
    dial(node.address);
    await until(() => link.isUp);
    node.say(encodeSignal(node.builder, FRAME[type]));
    await until(() => breaches.length === 1);
    expect(link.isUp).toBe(false);
  });
});

it('a link to an address where nobody listens is tried again, and does not fail', async () => {
  const node = await FakeLinkNode.start();
  await node.stop();
  dial(node.address);
  while (time.waits[0] === 2000) await setImmediate();
  expect([link.isUp, time.waits, events, breaches]).toEqual([false, [50], [], []]);
  link.close();
  expect(time.waits).toEqual([]);
});
