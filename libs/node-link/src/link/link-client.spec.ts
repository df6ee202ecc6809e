import { setImmediate } from 'node:timers/promises';
import { stringKey, stringValue, type QueryOutcome, type SetOutcome } from '@kvs/protocol';
import { TransportError } from '@kvs/router';
import { FakeLinkNode, PEER } from '../../test/fake-link-node.js';
import { ManualTime } from '../../test/manual-time.js';
import { encodeAnswers } from '../codec/encode-answers.js';
import { FRAME } from '../codec/frame.js';
import { encodeSignal, type LinkLimits } from '../codec/hello.js';
import { callWith } from '../pending-call.js';
import { LinkClient } from './link-client.js';
import { DEFAULT_LINK_OPTIONS, type LinkOptions } from './link-options.js';

const key = stringKey('k');
const NODE_TIMEOUT_MS = 1000;
const DELAY_MS = DEFAULT_LINK_OPTIONS.maxDelayMs;

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

function start(options: Partial<LinkOptions> = {}, ...rest: [((calls: readonly unknown[]) => void)?]): void {
  const all = {
    ...DEFAULT_LINK_OPTIONS,
    nodeTimeoutMs: NODE_TIMEOUT_MS,
    timers: time,
    random: () => 1,
    ...options,
  };
  client = new LinkClient(node.address, all, ...rest);
}

const query = (...keys: string[]): Promise<readonly QueryOutcome[]> =>
  callWith('query', keys.map(stringKey), 10 * keys.length, (call) => client.submit(call));
const set = (text: string): Promise<readonly SetOutcome[]> =>
  callWith('set', [{ key, value: stringValue(text) }], text.length, (call) => client.submit(call));

async function failureOf(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (error instanceof TransportError) return error.failure;
  throw new TypeError('no transport error', { cause: error });
}

/** Answers all calls that came, with yes, the last first. */
function answerAll(): void {
  const answers = node.calls
    .splice(0)
    .reverse()
    .map(({ id }) => ({
      id,
      kind: 'query' as const,
      outcomes: [{ ok: true as const, present: true }],
    }));
  for (const frame of encodeAnswers(node.builder, answers, { frameBytes: 1000, maxFrameBytes: 10_000 }))
    node.say(frame);
}

const yes = [{ ok: true, present: true }];
const callFrames = () => node.frames.filter((type) => type === FRAME.calls).length;

describe('calls', () => {
  it('of one turn share a frame, and have their answers in whatever order these come', async () => {
    start();
    await node.until(() => node.frames.length === 1);
    const calls = ['a', 'b', 'c'].map((name) => query(name));
    await node.until(() => node.calls.length === 3);
    expect(callFrames()).toBe(1);
    answerAll();
    expect(await Promise.all(calls)).toEqual([yes, yes, yes]);
  });

  it('wait for a connection that is being made', async () => {
    start();
    const call = query('a');
    await node.until(() => node.calls.length === 1);
    answerAll();
    expect(await call).toEqual(yes);
  });

  it('are no more at once than the node says, and the others follow', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxCallsInFlight: 2 });
    start();
    const calls = ['a', 'b', 'c'].map((name) => query(name));
    await node.until(() => node.calls.length === 2);
    answerAll();
    await node.until(() => node.calls.length === 1);
    answerAll();
    expect(await Promise.all(calls)).toEqual([yes, yes, yes]);
  });

  it('go over several frames when they are large', async () => {
    start({ frameBytes: 1000 });
    void Promise.all(['x', 'y', 'z'].map((text) => set(text.repeat(800)))).catch(() => undefined);
    await node.until(() => node.calls.length === 3);
    expect(callFrames()).toBe(3);
  });

  it('that no frame of the node can hold fail, and break nothing', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxFrameBytes: 2000 });
    start();
    const call = query('a');
    expect(await set('x'.repeat(3000))).toMatchObject([{ ok: false, code: 'value_too_large' }]);
    await node.until(() => node.calls.length === 1);
    answerAll();
    expect(await call).toEqual(yes);
    await set('x'.repeat(3000));
    const alone = query('b'); // which need not wait for anything
    await node.until(() => node.calls.length === 1);
    answerAll();
    expect(await alone).toEqual(yes);
  });
});

describe('time', () => {
  it('is up for a call that is not answered, and a late answer is passed over', async () => {
    start();
    const late = failureOf(query('a'));
    await node.until(() => node.calls.length === 1);
    time.pass(NODE_TIMEOUT_MS);
    expect(await late).toBe('timeout');
    const next = query('b');
    await node.until(() => node.calls.length === 2);
    answerAll();
    expect(await next).toEqual(yes);
  });

  it('is kept by one timer, however many calls there are', async () => {
    start({ heartbeatMs: 1e6 });
    await node.until(() => node.frames.length === 1);
    const calls = [query('a'), query('b')].map(failureOf);
    await node.until(() => node.calls.length === 2);
    time.pass(NODE_TIMEOUT_MS / 2);
    calls.push(failureOf(query('c')));
    await setImmediate();
    time.pass(DELAY_MS); // the others are unanswered
    await node.until(() => node.calls.length === 3);
    time.pass(NODE_TIMEOUT_MS / 2 - DELAY_MS);
    expect(await Promise.all(calls.slice(0, 2))).toEqual(['timeout', 'timeout']);
    expect(time.waits.filter((ms) => ms <= NODE_TIMEOUT_MS)).toEqual([NODE_TIMEOUT_MS / 2]);
    time.pass(NODE_TIMEOUT_MS / 2);
    expect(await calls[2]).toBe('timeout');
  });

  it('is up for a call that was never sent too, and that one was surely not seen', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxCallsInFlight: 1 });
    start();
    const calls = [failureOf(query('a')), failureOf(query('b'))];
    await node.until(() => node.calls.length === 1);
    time.pass(NODE_TIMEOUT_MS);
    expect(await Promise.all(calls)).toEqual(['timeout', 'unconnected']);
  });

  it.each<[string, Partial<LinkLimits>]>([
    ['calls', { maxCallsInFlight: 4 }],
    ['bytes', { maxBytesInFlight: 40 }],
  ])(
    'is up for a link when the node never answers more than half of the %s that it takes',
    async (_, limits) => {
      node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, ...limits });
      start({ heartbeatMs: 1e6 });
      const calls = ['a', 'b', 'c'].map((name) => failureOf(query(name)));
      await node.until(() => node.calls.length === 3);
      node.calls.length = 0;
      time.pass(NODE_TIMEOUT_MS);
      expect(await Promise.all(calls)).toEqual(['timeout', 'timeout', 'timeout']);
      await node.until(() => node.connections === 0);
      time.pass(DEFAULT_LINK_OPTIONS.minReconnectMs);
      const next = query('d');
      await node.until(() => node.calls.length === 1);
      answerAll();
      expect(await next).toEqual(yes);
    },
  );

  it('is up for a node that accepts connections and says nothing', async () => {
    node.onUpgrade = () => undefined;
    start();
    const call = failureOf(query('a'));
    await node.until(() => node.attempts === 1);
    time.pass(NODE_TIMEOUT_MS);
    expect(await call).toBe('unconnected');
  });
});

describe('a heartbeat', () => {
  it('asks a silent node for a sign, and gives the link up when none comes', async () => {
    start({ heartbeatMs: 100, nodeTimeoutMs: 1e6 });
    const call = failureOf(query('a'));
    await node.until(() => node.calls.length === 1);
    time.pass(200);
    await node.until(() => node.frames.includes(FRAME.ping));
    time.pass(200);
    expect(await call).toBe('broken');
    await node.until(() => node.connections === 0);
  });

  it('is content with a pong', async () => {
    start({ heartbeatMs: 100, nodeTimeoutMs: 1e6 });
    const call = query('a');
    await node.until(() => node.calls.length === 1);
    for (let beat = 0; beat < 5; beat++) {
      const pings = node.frames.length;
      time.pass(200);
      await node.until(() => node.frames.length > pings);
      node.say(encodeSignal(node.builder, FRAME.pong));
      // It has been heard when what was said after it is answered.
      node.say(encodeSignal(node.builder, FRAME.ping));
      await node.until(() => node.frames.at(-1) === FRAME.pong);
    }
    answerAll();
    expect(await call).toEqual(yes);
  });
});

describe('a link that breaks', () => {
  it('is opened again after a wait that doubles with each failure', async () => {
    node.onUpgrade = (socket) => socket.destroy();
    start({ minReconnectMs: 100, maxReconnectMs: 450 });
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      await node.until(() => node.attempts === attempt && node.connections === 0);
      while ((time.waits[0] ?? NODE_TIMEOUT_MS) >= NODE_TIMEOUT_MS) await setImmediate();
      const [wait = 0] = time.waits;
      waits.push(wait);
      time.pass(wait);
    }
    expect(waits).toEqual([100, 200, 400, 450, 450]);
  });

  it('is opened again after a longer wait each time also when it says hello, until it answers something', async () => {
    start({ minReconnectMs: 100, maxReconnectMs: 1e6, nodeTimeoutMs: 1e6, heartbeatMs: 1e6 });
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt++) {
      await node.until(() => node.attempts === attempt);
      while (!client.isOpen) await setImmediate();
      if (attempt === 4) {
        const call = query('a');
        await node.until(() => node.calls.length === 1);
        answerAll();
        expect(await call).toEqual(yes);
      }
      node.hangUp();
      while (client.isOpen) await setImmediate();
      const wait = time.waits.find((ms) => ms < 1e5) ?? 0;
      waits.push(wait);
      time.pass(wait);
    }
    expect(waits).toEqual([100, 200, 400, 100]);
  });

  it('gives calls back that were not sent, and breaks those that were', async () => {
    node.onUpgrade = (socket) => node.welcome(socket, { ...PEER, maxCallsInFlight: 1 });
    let unsent = 0;
    start({}, (calls) => (unsent += calls.length));
    const sent = failureOf(query('a'));
    void query('b');
    await node.until(() => node.calls.length === 1);
    node.hangUp();
    expect(await sent).toBe('broken');
    while (unsent === 0) await setImmediate();
    expect([unsent, client.isOpen]).toEqual([1, false]);
  });

  it('is opened at once when there is reason to hurry, but not again and again', async () => {
    start({ minReconnectMs: 100, maxReconnectMs: 1e6 });
    await node.until(() => node.frames.length === 1);
    time.pass(1000);
    node.hangUp();
    while (client.isOpen) await setImmediate();
    expect(client.hurry()).toBe(true);
    await node.until(() => node.attempts === 2);
    while (!client.isOpen) await setImmediate();
    node.hangUp();
    while (client.isOpen) await setImmediate();
    expect(client.hurry()).toBe(false);
    time.pass(150); // longer than the shortest wait
    expect(client.hurry()).toBe(false);
  });

  it('is asked for in a hurry again and again while nobody is there', async () => {
    start({ minReconnectMs: 100, maxReconnectMs: 1e6, heartbeatMs: 1e6, nodeTimeoutMs: 1e6 });
    await node.until(() => node.frames.length === 1);
    await node.stop();
    while (client.isOpen) await setImmediate();
    for (let i = 0; i < 5; i++) {
      time.pass(100);
      expect(client.hurry()).toBe(true);
      expect(await failureOf(query('a'))).toBe('unconnected');
    }
  });
});

it('a node that offers no link is not asked again in a hurry', async () => {
  await node.stop();
  node = await FakeLinkNode.start();
  node.onUpgrade = (socket) => socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n');
  start({ minReconnectMs: 1, maxReconnectMs: 5000 });
  await node.until(() => node.attempts === 1);
  while (time.waits[0] !== 5000) await setImmediate();
  time.pass(4999);
  expect(client.hurry()).toBe(false);
  expect(await failureOf(query('a'))).toBe('unconnected');
});

it('a node that says goodbye is sent no more, and may finish what it has', async () => {
  start();
  const call = query('a');
  await node.until(() => node.calls.length === 1);
  node.say(encodeSignal(node.builder, FRAME.goodbye));
  while (client.isOpen) await setImmediate();
  expect(node.connections).toBe(1);
  answerAll();
  expect(await call).toEqual(yes);
  await node.until(() => node.connections === 0);
  time.pass(DEFAULT_LINK_OPTIONS.minReconnectMs);
  while (!client.isOpen) await setImmediate();
  for (const name of ['b', 'c']) {
    const alone = query(name); // no call of the old connection is in its way
    await node.until(() => node.calls.length === 1);
    answerAll();
    expect(await alone).toEqual(yes);
  }
});

it('more calls than may be pending fail at once', async () => {
  start({ maxPendingCalls: 3, maxPendingBytes: 25 });
  const first = [query('a'), query('b')];
  expect(await failureOf(query('c'))).toBe('unconnected');
  await node.until(() => node.calls.length === 2);
  expect(await failureOf(query('c'))).toBe('unconnected');
  answerAll();
  expect(await Promise.all(first)).toEqual([yes, yes]);
});
