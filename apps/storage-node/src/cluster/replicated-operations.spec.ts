import { KvStore, MemoryEngine, type EngineWrite } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { partitionOf, stringKey, stringValue, systemTimers, WrongNodeError, type Key } from '@kvs/protocol';
import type { WriteAnswer } from '@kvs/replication';
import { applyRequests, newTopology, registerNode } from '@kvs/topology';
import { boot } from '@kvs/topology/testing';
import { NodeFront } from '../node-front.js';
import { BYTES_PER_PAUSE, ScanThrottle } from '../scan-throttle.js';
import { ReplicatedOperations, type ServingReplica } from './replicated-operations.js';

const OWN = stringKey('own');
const OTHER = stringKey('other');
const MOVED = stringKey('moved');
const NOTHING = new Uint8Array(0);

/** Serves all partitions but that of `OTHER`, without copies. */
class FakeReplica implements ServingReplica {
  readonly bootId = boot('own');
  topology = newTopology({ clusterId: 'c', copies: 1, minInSync: 1 });
  /** Partitions that this node serves no more. */
  readonly lost = new Set([partitionOf(OTHER)]);
  /** Instead of the answers to writes. */
  writeAnswer: WriteAnswer | undefined;
  /** Called before each read. */
  onRead: () => void = () => undefined;
  readonly epochs: number[] = [];
  readonly #engine: MemoryEngine;

  constructor(engine: MemoryEngine) {
    this.#engine = engine;
  }

  isServing(partition: number): boolean {
    return !this.lost.has(partition);
  }

  readonly write: ServingReplica['write'] = (partition, batch, epoch, done) => {
    this.epochs.push(epoch);
    if (!this.isServing(partition)) return done(REFUSED);
    if (this.writeAnswer !== undefined) return done(this.writeAnswer);
    const { replication } = this.#engine;
    done({
      kind: 'done',
      result:
        batch.kind === 'set'
          ? { kind: 'set', outcomes: replication.write(partition, batch.items, 1) }
          : { kind: 'delete', outcomes: replication.delete(partition, batch.items, 1) },
    });
  };

  readonly read: ServingReplica['read'] = (partition, _keys, epoch, run, done) => {
    this.epochs.push(epoch);
    this.onRead();
    if (!this.isServing(partition)) done(REFUSED);
    else run((result) => done({ kind: 'done', result }));
  };
}

const REFUSED = { kind: 'refused', code: 'wrong_node', message: 'it has a reason' } as const;

let engine: MemoryEngine;
let replica: FakeReplica;
let operations: ReplicatedOperations;

beforeEach(() => {
  const clock = new ManualClock();
  engine = new MemoryEngine({ clock });
  replica = new FakeReplica(engine);
  operations = new ReplicatedOperations(new KvStore(engine, clock), replica, clock);
});

describe('the operations of a node in a cluster', () => {
  it('keep the order of a batch over several partitions, repeated keys included', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => stringKey(`key-${i % 30}`));
    const written = await operations.set(keys.map((key, i) => item(key, `${i}`)));
    expect(written.map((outcome) => outcome.ok && outcome.created)).toEqual(keys.map((_, i) => i < 30));
    const last = (key: number) => `${key < 20 ? key + 30 : key}`;
    expect(await valuesOf(keys)).toEqual(keys.map((_, i) => last(i % 30)));
    expect((await operations.query([...keys, stringKey('absent')])).at(-1)).toEqual({
      ok: true,
      present: false,
    });
    const deleted = await operations.delete(keys.map((key) => ({ key })));
    expect(deleted.map((outcome) => outcome.ok && outcome.deleted)).toEqual(keys.map((_, i) => i < 30));
  });

  it('fail the items of partitions that another node serves, and do the others', async () => {
    const refused = { ok: false, code: 'wrong_node', message: expect.stringContaining('no node serves') };
    expect(await operations.set([item(OTHER, '1'), item(OWN, '2')])).toMatchObject([refused, { ok: true }]);
    expect(await operations.fetch([OTHER, OWN])).toMatchObject([refused, { ok: true }]);
    expect(await operations.query([OTHER, OWN])).toMatchObject([refused, { ok: true, present: true }]);
    expect(await operations.delete([{ key: OTHER }, { key: OWN }])).toMatchObject([
      refused,
      { deleted: true },
    ]);
    expect(engine.stats().pairCount).toBe(0);
  });

  it.each([
    ['own', 'own', 'is not served now: it has a reason'],
    ['other', 'node-2', 'is served by node-2 at localhost:1'],
    ['other', 'localhost:1', 'is served by localhost:1'],
  ])('say who serves the partition if %s is its primary, named %s', async (primary, id, message) => {
    const partition = partitionOf(OTHER);
    const [bootId, address] = [boot(primary), 'localhost:1'];
    const node = { id, address, bootId, zone: '', weight: 1, isDurable: false, starts: 1 };
    const change = { kind: 'start' as const, primary: bootId, instead: undefined, copies: [] };
    replica.topology = applyRequests(registerNode(replica.topology, node), [{ partition, epoch: 0, change }]);
    expect(await operations.fetch([OTHER])).toEqual([
      { ok: false, code: 'wrong_node', message: `the partition ${partition} ${message}` },
    ]);
  });

  it('pass on the epoch of the caller, and 0 if there is none', async () => {
    await operations.set([item(OWN, '1')], [partitionOf(OWN)], 7);
    await operations.fetch([OWN], undefined, [partitionOf(OWN)], 8);
    await operations.query([OWN], [partitionOf(OWN)], 9);
    await operations.delete([{ key: OWN }], [partitionOf(OWN)], 10);
    await keysOf(operations.scanLines({ meta: false, partitions: [partitionOf(OWN)] }, 11));
    await operations.query([OWN]);
    expect(replica.epochs).toEqual([7, 8, 9, 10, 11, 0]);
  });

  it.each<[WriteAnswer, object]>([
    [
      { kind: 'refused', code: 'under_replicated', message: 'm' },
      { ok: false, code: 'under_replicated', message: 'm' },
    ],
    [
      { kind: 'refused', code: 'overloaded', message: 'm' },
      { ok: false, code: 'overloaded', message: 'm' },
    ],
    [
      { kind: 'maybeApplied', message: 'm' },
      { ok: false, code: 'node_unavailable', message: 'm', maybeApplied: true },
    ],
  ])('turn the answer %j into an outcome', async (answer, outcome) => {
    replica.writeAnswer = answer;
    expect(await operations.set([item(OWN, '1')])).toEqual([outcome]);
    expect(await operations.delete([{ key: OWN }])).toEqual([outcome]);
  });

  it('count the values of all partitions against the limit of an answer', async () => {
    const keys = [OWN, MOVED];
    await operations.set(keys.map((key) => item(key, 'v'.repeat(100))));
    expect(await operations.fetch(keys, 200)).toHaveLength(2);
    const refusal = expect.objectContaining({ code: 'answer_too_large' });
    expect(() => operations.fetch(keys, 199)).toThrow(refusal);
    // An engine that answers by promise has not counted the first value when it is asked for the second.
    const store = new KvStore(engine, new ManualClock());
    const fetch = store.fetch.bind(store);
    store.fetch = async (...call) => fetch(...call);
    const late = new ReplicatedOperations(store, replica, new ManualClock());
    await expect(late.fetch(keys, 199)).rejects.toEqual(refusal);
  });

  it('fail with the error of the store, also if it comes late', async () => {
    const store = new KvStore(engine, new ManualClock());
    store.fetch = () => Promise.reject(new Error('the disk is gone'));
    store.scanJson = async function* () {
      yield NOTHING;
      throw new Error('the disk is gone');
    };
    const failing = new ReplicatedOperations(store, replica, new ManualClock());
    await expect(failing.fetch([OWN])).rejects.toThrow('the disk is gone');
    await expect(keysOf(failing.scanLines({ meta: false, partitions: [1] }))).rejects.toThrow(
      'the disk is gone',
    );
  });

  it('set deadlines by the clock of the cluster', async () => {
    const seen: EngineWrite[] = [];
    const write: ServingReplica['write'] = (_p, batch, _e, done) => {
      if (batch.kind === 'set') seen.push(...batch.items);
      done(REFUSED);
    };
    const clock = new ManualClock(5_000_000);
    const store = new KvStore(engine, clock);
    await new ReplicatedOperations(store, { ...replica, isServing: () => true, write }, clock).set([
      { ...item(OWN, '1'), ttlMs: 10 },
    ]);
    expect(seen).toMatchObject([{ expiresAtMs: 5010 }]);
  });
});

describe('a scan of a node in a cluster', () => {
  const partitions = [OWN, MOVED].map(partitionOf).sort((a, b) => a - b);

  beforeEach(async () => {
    await operations.set([OWN, MOVED].map((key) => item(key, 'v'.repeat(10))));
  });

  it('has the pairs of the partitions that were asked for', async () => {
    expect(await keysOf(operations.scanLines({ meta: false, partitions }))).toEqual(['moved', 'own']);
    expect(await keysOf(operations.scanLines({ meta: false, partitions: [partitionOf(OWN)] }))).toEqual([
      'own',
    ]);
  });

  it('stops at a partition that another node serves, after all pairs of those before', async () => {
    const [, second = 0] = partitions;
    replica.lost.add(second);
    const lines = operations.scanLines({ meta: false, partitions })[Symbol.asyncIterator]();
    expect((await lines.next()).done).toBe(false);
    await expect(lines.next()).rejects.toThrow(new WrongNodeError(second));
  });

  it('gives nothing of a small partition that moves while it is read', async () => {
    const partition = partitionOf(OWN);
    let reads = 0;
    replica.onRead = () => {
      if (++reads === 2) replica.lost.add(partition);
    };
    const lines = operations.scanLines({ meta: false, partitions: [partition] })[Symbol.asyncIterator]();
    await expect(lines.next()).rejects.toThrow(new WrongNodeError(partition));
  });

  it('may begin again elsewhere as long as it has found nothing', async () => {
    const partition = partitionOf(OWN);
    const keys = Array.from({ length: 10_000 }, (_, i) => stringKey(`{own}${i}`));
    await operations.set(keys.map((key) => item(key, 'v')));
    const request = { meta: false, partitions: [partition], prefix: stringValue('none') };
    const lines = operations.scanLines(request)[Symbol.asyncIterator]();
    for (let chunk = 0; chunk < 3; chunk++)
      expect(await lines.next()).toEqual({ done: false, value: NOTHING });
    replica.lost.add(partition);
    await expect(lines.next()).rejects.toThrow(new WrongNodeError(partition));
  });

  it('breaks off in a large partition that moves while it is read', async () => {
    const partition = partitionOf(OWN);
    for (let i = 0; i < 10; i++) await operations.set([item(stringKey(`{own}${i}`), 'v'.repeat(50_000))]);
    const lines = operations.scanLines({ meta: false, partitions: [partition] })[Symbol.asyncIterator]();
    expect((await lines.next()).done).toBe(false);
    replica.lost.add(partition);
    await expect(lines.next()).rejects.toThrow(expect.objectContaining({ code: 'node_unavailable' }));
  });

  it('closes the scan of the engine when it breaks off', async () => {
    const partition = partitionOf(OWN);
    let isClosed = false;
    const store = new KvStore(engine, new ManualClock());
    store.scanJson = async function* () {
      try {
        for (;;) yield Buffer.from('{}\n');
      } finally {
        isClosed = true;
      }
    };
    const scanning = new ReplicatedOperations(store, replica, new ManualClock());
    const lines = scanning.scanLines({ meta: false, partitions: [partition] })[Symbol.asyncIterator]();
    await lines.next();
    replica.lost.add(partition);
    await expect(lines.next()).rejects.toThrow('moves to another node');
    expect(isClosed).toBe(true);
  });

  it('that finds nothing lets other work run, has empty chunks, and ends soon after it is closed', async () => {
    replica.lost.clear();
    const keys = Array.from({ length: 10_000 }, (_, i) => stringKey(`key-${i}`));
    await operations.set(keys.map((key) => item(key, 'v')));
    const request = { meta: false, prefix: stringValue('none') };
    let turns = 0;
    let turn = setImmediate(function next() {
      turns++;
      turn = setImmediate(next);
    });
    let chunks = 0;
    for await (const { length } of operations.scanLines(request)) {
      expect(length).toBe(0);
      chunks++;
    }
    clearImmediate(turn);
    expect(Math.min(turns, chunks)).toBeGreaterThan(100);
    const { lines, close } = await operations.scan(request);
    const step = lines[Symbol.asyncIterator]().next();
    close();
    await expect(step).rejects.toThrow('the scan was closed');
  });

  it('pauses while there are writes, however few pairs each partition has', async () => {
    replica.lost.clear();
    const keys = Array.from({ length: 2000 }, (_, i) => stringKey(`key-${i}`));
    await operations.set(keys.map((key) => item(key, 'v'.repeat(1000))));
    let pauses = 0;
    const throttle = new ScanThrottle(() => Promise.resolve(pauses++));
    const front = new NodeFront(operations, systemTimers, throttle);
    let bytes = 0;
    for await (const { length } of front.scanLines({ meta: false })) {
      bytes += length;
      await front.set([item(OWN, 'v')]);
    }
    expect(pauses).toBeGreaterThan(bytes / BYTES_PER_PAUSE / 2);
  });

  it('that finds nothing for long in a partition has empty chunks, and the pairs in the end', async () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => stringKey(`{own}${i}`));
    await operations.set(keys.map((key) => item(key, 'v')));
    const request = { meta: false, partitions: [partitionOf(OWN)], prefix: stringValue('own') };
    const lengths: number[] = [];
    for await (const { length } of operations.scanLines(request)) lengths.push(length);
    expect(lengths.filter((length) => length > 0)).toHaveLength(1);
    expect(lengths.length).toBeGreaterThan(3);
  });

  it('over HTTP is refused at once if the node lacks a partition', async () => {
    await expect(operations.scan({ meta: false })).rejects.toThrow(new WrongNodeError(partitionOf(OTHER)));
    const answer = await operations.scan({ meta: false, partitions });
    expect(await keysOf(answer.lines)).toEqual(['moved', 'own']);
  });
});

function item(key: Key, data: string) {
  return { key, value: stringValue(data) };
}

async function valuesOf(keys: readonly Key[]): Promise<(string | undefined)[]> {
  const outcomes = await operations.fetch(keys);
  return outcomes.map((outcome) => (outcome.ok ? outcome.entry?.value.data : undefined));
}

async function keysOf(lines: AsyncIterable<Uint8Array>): Promise<string[]> {
  let text = '';
  for await (const chunk of lines) text += Buffer.from(chunk).toString();
  const keys = text
    .split('\n')
    .filter(Boolean)
    .map((line) => /"data":"([^"]*)"/.exec(line)?.[1] ?? line);
  return keys.sort();
}
