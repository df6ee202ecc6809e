import { KvStore, MemoryEngine } from '@kvs/kv-store';
import { ManualClock, promisedEngine } from '@kvs/kv-store/testing';
import { stringKey, stringValue, systemTimers, type PairLines, type Timers } from '@kvs/protocol';
import { ManualTime } from '@kvs/protocol/testing';
import { NodeFront } from './node-front.js';
import { NOT_JOINED, refusing, scanAnswer } from './operations.js';
import { BYTES_PER_PAUSE, ScanThrottle } from './scan-throttle.js';
import { StoreOperations } from './store-operations.js';

const [KEY, OTHER] = [stringKey('k'), stringKey('other')];
const item = (text: string) => [{ key: KEY, value: stringValue(text) }];

function operationsOver(later: boolean): StoreOperations {
  const clock = new ManualClock();
  const engine = new MemoryEngine({ clock });
  return new StoreOperations(new KvStore(later ? promisedEngine(engine) : engine, clock));
}

function frontOver(later: boolean, timers?: Timers): NodeFront {
  return new NodeFront(operationsOver(later), timers);
}

it('calls on keys that a caller has for itself wait, and other calls do not', async () => {
  const front = frontOver(true);
  const order: string[] = [];
  const note = async (name: string, call: unknown) => {
    await call;
    order.push(name);
  };
  await Promise.all([
    note('before', front.set(item('a'))),
    front.exclusively([KEY], async (own) => {
      await own.set(item('b'));
      await own.query([KEY]);
      order.push('alone');
    }),
    note('set', front.set(item('c'), [7], 1)),
    note('fetch', front.fetch([OTHER, KEY])),
    note('query', front.query([KEY])),
    note('delete', front.delete([{ key: KEY }])),
    note('beside', front.query([OTHER])),
  ]);
  expect(order.slice(0, 3)).toEqual(expect.arrayContaining(['before', 'beside', 'alone']));
  expect(order.indexOf('alone')).toBe(2);
});

it('keys are free again after a failure', async () => {
  const front = frontOver(true);
  const failing = front.exclusively([KEY], async () => {
    throw new RangeError('failed');
  });
  await expect(failing).rejects.toThrow(RangeError);
  expect(await front.query([KEY])).toEqual([{ ok: true, present: false }]);
});

it('a caller that has waited for its keys for more than 5 s fails, and no other call does', async () => {
  const time = new ManualTime();
  const front = frontOver(true, time);
  const first = front.exclusively([KEY], (own) => own.set(item('a')));
  const late = Promise.resolve(front.exclusively([KEY], (own) => own.set(item('b'))));
  const fetched = front.fetch([KEY]);
  const failure = expect(late).rejects.toMatchObject({ code: 'overloaded' });
  time.advanceMs(5000);
  await failure;
  expect(await first).toMatchObject([{ ok: true }]);
  expect(await fetched).toMatchObject([{ entry: { value: stringValue('a') } }]);
});

it('operations that are done at once are answered at once', () => {
  const front = frontOver(false);
  expect(front.exclusively([KEY], (own) => own.set(item('a')))).toMatchObject([{ ok: true }]);
  expect(front.query([KEY])).toEqual([{ ok: true, present: true }]);
});

it('refuses the rest of a transaction if the node comes to serve otherwise meanwhile', async () => {
  const front = frontOver(true);
  const outcomes = front.exclusively([KEY], async (own) => {
    await own.set(item('a'));
    front.use(refusing(front));
    return own.set(item('b'));
  });
  await expect(outcomes).rejects.toThrow(NOT_JOINED);
});

describe.each<[string, (front: NodeFront) => unknown]>([
  ['a set', (front) => front.set(item('a'))],
  ['a fetch', (front) => front.fetch([KEY])],
  ['a query', (front) => front.query([KEY])],
  ['a delete', (front) => front.delete([{ key: KEY }])],
  ['a transaction', (front) => front.exclusively([KEY], () => 'done')],
])('%s slows a scan', (_, call) => {
  it.each<[string, (front: NodeFront) => Promise<PairLines>]>([
    ['over HTTP', async (front) => (await front.scan({ meta: false })).lines],
    ['over a link', async (front) => front.scanLines({ meta: false })],
  ])('%s', async (_, linesOf) => {
    let pauses = 0;
    const scanLines = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 3; i++) yield new Uint8Array(BYTES_PER_PAUSE);
    };
    const front = new NodeFront(
      { ...operationsOver(false), scanLines, scan: async () => scanAnswer(scanLines()) },
      systemTimers,
      new ScanThrottle(() => Promise.resolve(pauses++)),
    );
    let chunks = 0;
    for await (const chunk of await linesOf(front)) {
      if (chunks++ > 0) continue;
      expect(chunk).toHaveLength(BYTES_PER_PAUSE);
      await call(front);
    }
    expect([chunks, pauses]).toEqual([3, 3]);
  });
});
