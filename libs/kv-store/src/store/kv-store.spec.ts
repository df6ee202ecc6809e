import {
  binaryKey,
  binaryValue,
  keyId,
  partitionOf,
  stringKey,
  stringValue,
  type Expiry,
  type Key,
  type SetItem,
} from '@kvs/protocol';
import { MemoryEngine } from '../engine/memory/memory-engine.js';
import type { StorageEngine } from '../engine/storage-engine.js';
import { ManualClock, promisedEngine } from '../testing/index.js';
import { KvStore, type StoreScanRequest } from './kv-store.js';
import type { StoredPair } from './store-chunk.js';

const A = stringKey('a');
const B = stringKey('b');

describe.each([
  ['at once', (engine: StorageEngine) => engine],
  ['by promise', (engine: StorageEngine) => promisedEngine(engine)],
])('a KvStore whose engine answers %s', (_, wrap) => {
  let clock: ManualClock;
  let store: KvStore;

  beforeEach(() => {
    clock = new ManualClock();
    store = new KvStore(wrap(new MemoryEngine({ clock })), clock);
  });
  afterEach(() => store.close());

  it('reads a written pair', async () => {
    const [outcome] = await store.set([setItem(A, '1')]);
    expect(outcome).toEqual({ ok: true, version: clock.nowMicros(), created: true });
    expect(await store.fetch([A, B])).toEqual([
      { ok: true, entry: { value: stringValue('1'), version: clock.nowMicros() } },
      { ok: true, entry: null },
    ]);
    expect(await store.query([B, A])).toEqual([
      { ok: true, present: false },
      { ok: true, present: true },
    ]);
  });

  it('deletes, and says which were there', async () => {
    await store.set([setItem(A, '1')]);
    expect(await store.delete([{ key: A }, { key: A }, { key: B }])).toEqual([
      { ok: true, deleted: true },
      { ok: true, deleted: false },
      { ok: true, deleted: false },
    ]);
    expect(await store.query([A])).toEqual([{ ok: true, present: false }]);
  });

  it('fails the items whose condition does not hold, and only them', async () => {
    await store.set([setItem(A, '1')]);
    const version = clock.nowMicros();
    expect(
      await store.set([
        setItem(A, '2', { ifVersion: 0 }),
        setItem(B, '2', { ifVersion: 5 }),
        setItem(A, '3', { ifVersion: version }),
      ]),
    ).toEqual([
      { ok: false, code: 'version_mismatch', message: `the version is ${version}` },
      { ok: false, code: 'version_mismatch', message: 'the key is absent' },
      { ok: true, version: version + 1, created: false },
    ]);
    expect(
      await store.delete([
        { key: A, ifVersion: version },
        { key: B, ifVersion: 0 },
      ]),
    ).toEqual([
      { ok: false, code: 'version_mismatch', message: `the version is ${version + 1}` },
      { ok: true, deleted: false },
    ]);
  });

  it('counts a time to live down by the millisecond, until the pair is absent', async () => {
    clock.advanceMicros(999);
    await store.set([setItem(A, '1', { ttlMs: 100 })]);
    expect(await ttlOf(A)).toBe(100);
    clock.advanceMs(99);
    expect(await ttlOf(A)).toBe(1);
    clock.advanceMicros(1);
    expect(await store.fetch([A])).toEqual([{ ok: true, entry: null }]);
  });

  it('takes the longest time to live', async () => {
    await store.set([setItem(A, '1', { ttlMs: Number.MAX_SAFE_INTEGER })]);
    clock.advanceMs(1000);
    expect(await ttlOf(A)).toBeGreaterThan(Number.MAX_SAFE_INTEGER / 2);
  });

  it('takes a moment at which the pair expires, and tells it', async () => {
    const expiresAtMs = clock.nowMicros() / 1000 + 50;
    await store.set([setItem(A, '1', { expiresAtMs })]);
    clock.advanceMs(20);
    expect(await store.fetch([A])).toMatchObject([{ entry: { ttlMs: 30, expiresAtMs } }]);
  });

  it('writes a pair whose moment has passed, which is absent', async () => {
    expect(await store.set([setItem(A, '1', { expiresAtMs: 0 })])).toMatchObject([{ ok: true }]);
    expect(await store.query([A])).toEqual([{ ok: true, present: false }]);
  });

  it.each([
    ['an expiresAtMs below 0', { expiresAtMs: -1 }, RangeError],
    ['a ttlMs with an expiresAtMs', JSON.parse('{ "ttlMs": 1, "expiresAtMs": 1 }'), TypeError],
    ['a ttlMs of 0', { ttlMs: 0 }, RangeError],
    ['a fraction for ttlMs', { ttlMs: 1.5 }, RangeError],
    ['a ttlMs without end', { ttlMs: Infinity }, RangeError],
    ['a text for ttlMs', { ttlMs: JSON.parse('"5"') }, TypeError],
    ['an ifVersion below 0', { ifVersion: -1 }, RangeError],
    ['an ifVersion that is no number', { ifVersion: NaN }, RangeError],
    ['null for ifVersion', { ifVersion: JSON.parse('null') }, TypeError],
  ])('throws for %s and changes nothing', async (_, details, error) => {
    expect(() => store.set([setItem(A, '1'), setItem(B, '2', details)])).toThrow(error);
    expect(await store.query([A, B])).toEqual([
      { ok: true, present: false },
      { ok: true, present: false },
    ]);
  });

  it('throws for an ifVersion that cannot be when deleting, and deletes nothing', async () => {
    await store.set([setItem(A, '1')]);
    expect(() => store.delete([{ key: A }, { key: B, ifVersion: 0.5 }])).toThrow(RangeError);
    expect(await store.query([A])).toEqual([{ ok: true, present: true }]);
  });

  it('scans each pair once, in the partition that its key is placed in', async () => {
    const keys = Array.from({ length: 100 }, (_, i) => stringKey(`key ${i}`));
    await store.set(keys.map((key) => setItem(key, key.data)));
    const seen: string[] = [];
    let previous = -1;
    for await (const { partition, pairs } of store.scan()) {
      expect(partition).toBeGreaterThan(previous);
      previous = partition;
      for (const { key, value } of pairs) {
        expect(partitionOf(key)).toBe(partition);
        expect(value.data).toBe(key.data);
        seen.push(keyId(key));
      }
    }
    expect(seen.sort()).toEqual(keys.map(keyId).sort());
  });

  it('scans with version and time to live, without the pairs whose time is over', async () => {
    await store.set([setItem(A, '1', { ttlMs: 10 }), setItem(B, '2', { ttlMs: 20 })]);
    clock.advanceMs(10);
    expect(await pairs()).toEqual([
      {
        key: B,
        value: stringValue('2'),
        version: expect.any(Number),
        ttlMs: 10,
        expiresAtMs: expect.any(Number),
      },
    ]);
  });

  it('scans the keys of a prefix, in its encoding', async () => {
    const bytes = binaryKey(Uint8Array.of(0xab, 1));
    await store.set(
      [stringKey('ab1'), stringKey('abc'), stringKey('b'), bytes].map((key) => setItem(key, 'v')),
    );
    expect(await keysOf({ prefix: stringValue('ab') })).toEqual(['sab1', 'sabc']);
    expect(await keysOf({ prefix: stringValue('') })).toEqual(['sab1', 'sabc', 'sb']);
    expect(await keysOf({ prefix: binaryValue(Uint8Array.of(0xab)) })).toEqual(['bab01']);
  });

  it('scans the partitions that are asked for', async () => {
    await store.set([setItem(A, '1'), setItem(B, '2')]);
    const partition = partitionOf(A);
    expect(await keysOf({ partitions: [partition] })).toEqual(['sa']);
    expect(await keysOf({ partitions: [] })).toEqual([]);
  });

  it.each([[[-1]], [[4096]], [[1.5]], [[2, 1]], [[1, 1]]])('throws for the partitions %j', (partitions) => {
    expect(() => store.scan({ partitions })).toThrow(RangeError);
  });

  it('tells the name and the stats of its engine', async () => {
    await store.set([setItem(A, '1'), setItem(B, '2')]);
    expect(store.engineName).toBe('memory');
    expect(await store.stats()).toMatchObject({ pairCount: 2, partitionCount: 2 });
  });

  it('refuses everything once it is closed', async () => {
    await store.close();
    const refusal = expect.objectContaining({ code: 'shutting_down' });
    expect(() => store.set([])).toThrow(refusal);
    expect(() => store.fetch([A])).toThrow(refusal);
    expect(() => store.query([A])).toThrow(refusal);
    expect(() => store.delete([])).toThrow(refusal);
    expect(() => store.scan()).toThrow(refusal);
    expect(() => store.stats()).toThrow(refusal);
  });

  async function ttlOf(key: Key): Promise<number | undefined> {
    const [outcome] = await store.fetch([key]);
    return outcome?.ok ? outcome.entry?.ttlMs : undefined;
  }

  async function keysOf(request: StoreScanRequest): Promise<string[]> {
    return (await pairs(request)).map(({ key }) => keyId(key)).sort();
  }

  async function pairs(request?: StoreScanRequest, from = store): Promise<StoredPair[]> {
    const all: StoredPair[] = [];
    for await (const chunk of from.scan(request)) all.push(...chunk.pairs);
    return all;
  }
});

function setItem(key: Key, value: string, details: Expiry & Pick<SetItem, 'ifVersion'> = {}): SetItem {
  return { key, value: stringValue(value), ...details };
}
