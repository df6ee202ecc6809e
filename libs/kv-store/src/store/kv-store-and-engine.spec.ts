import { stringKey, stringValue } from '@kvs/protocol';
import { MemoryEngine } from '../engine/memory/memory-engine.js';
import { alteredEngine, ManualClock } from '../testing/index.js';
import { KvStore } from './kv-store.js';

const KEY = stringKey('key');
const ITEM = { key: KEY, value: stringValue('value') };

describe('a KvStore and its engine', () => {
  const clock = new ManualClock();
  let engine: MemoryEngine;
  let store: KvStore;

  beforeEach(() => {
    engine = new MemoryEngine({ clock });
    store = new KvStore(engine, clock);
  });

  it('answer at once where the engine does', () => {
    expect(store.set([ITEM])).toBeInstanceOf(Array);
    expect(store.fetch([KEY])).toBeInstanceOf(Array);
    expect(store.query([KEY])).toBeInstanceOf(Array);
    expect(store.delete([{ key: KEY }])).toBeInstanceOf(Array);
    expect(store.stats()).toMatchObject({ pairCount: 0, partitionCount: 0 });
  });

  it('say which items a full engine refused', () => {
    const setMany = () =>
      [{ status: 'out_of_memory' }, { status: 'written', version: 1, created: true }] as const;
    const full = new KvStore(alteredEngine(engine, { setMany }), clock);
    expect(full.set([ITEM, ITEM])).toEqual([
      { ok: false, code: 'out_of_memory', message: expect.any(String) },
      { ok: true, version: 1, created: true },
    ]);
  });

  it('say which items the engine could not reach, and whether a write may have been applied', () => {
    const away = { status: 'unavailable', message: 'the shard is away' } as const;
    const unreachable = alteredEngine(engine, {
      getMany: () => [away],
      hasMany: () => [away],
      setMany: () => [{ ...away, maybeApplied: true }],
      deleteMany: () => [away],
    });
    store = new KvStore(unreachable, clock);
    const failure = { ok: false, code: 'engine_unavailable', message: 'the shard is away' };
    expect(store.fetch([KEY])).toEqual([failure]);
    expect(store.query([KEY])).toEqual([failure]);
    expect(store.set([ITEM])).toEqual([{ ...failure, maybeApplied: true }]);
    expect(store.delete([{ key: KEY }])).toEqual([failure]);
  });

  it('pass on that the engine as a whole is away', () => {
    engine.close();
    expect(() => store.fetch([KEY])).toThrow(expect.objectContaining({ code: 'engine_unavailable' }));
  });

  it('give no pair that expired after the engine answered', async () => {
    store.set([{ ...ITEM, ttlMs: 1 }]);
    const late = alteredEngine(engine, {
      getMany: (keys) => {
        const outcomes = engine.getMany(keys);
        clock.advanceMs(1);
        return outcomes;
      },
    });
    expect(new KvStore(late, clock).fetch([KEY])).toEqual([{ ok: true, entry: null }]);
  });

  it('scan no pair that expired after the engine answered', async () => {
    store.set([{ ...ITEM, ttlMs: 1 }]);
    const late = alteredEngine(engine, {
      async *scan(partitions) {
        for await (const chunk of engine.scan(partitions)) {
          clock.advanceMs(1);
          yield chunk;
        }
      },
    });
    const found = [];
    for await (const { pairs } of new KvStore(late, clock).scan()) found.push(...pairs);
    expect(found).toEqual([]);
  });
});

describe('closing a KvStore', () => {
  const clock = new ManualClock();

  it('closes the engine once', async () => {
    let closes = 0;
    const engine = alteredEngine(new MemoryEngine({ clock }), { close: () => void closes++ });
    const store = new KvStore(engine, clock);
    await Promise.all([store.close(), store.close(), store.onApplicationShutdown()]);
    expect(closes).toBe(1);
  });

  it('fails an open scan rather than end it', async () => {
    const store = new KvStore(new MemoryEngine({ clock }), clock);
    await store.set(Array.from({ length: 100 }, (_, i) => ({ ...ITEM, key: stringKey(`${i}`) })));
    const scan = store.scan()[Symbol.asyncIterator]();
    await scan.next();
    await store.close();
    await expect(scan.next()).rejects.toThrow(expect.objectContaining({ code: 'engine_unavailable' }));
  });
});
