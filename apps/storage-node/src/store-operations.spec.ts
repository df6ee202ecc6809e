import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { collectPage } from '@kvs/http-api';
import { KvStore, MemoryEngine, type StoreChunk } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import {
  ALL_PARTITIONS,
  binaryKey,
  KvsError,
  stringKey,
  stringValue,
  type Key,
  type PairLines,
} from '@kvs/protocol';
import { StoreOperations } from './store-operations.js';

const value = stringValue('v');
const all = { meta: false, partial: false };

function open(): { store: KvStore; operations: StoreOperations } {
  const clock = new ManualClock();
  const store = new KvStore(new MemoryEngine({ clock }), clock);
  return { store, operations: new StoreOperations(store) };
}

async function filled(keys: readonly Key[]): Promise<StoreOperations> {
  const { operations } = open();
  await operations.set(keys.map((key) => ({ key, value })));
  return operations;
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => stringKey(`key-${i}`));

async function pairsIn(lines: PairLines): Promise<{ key: Key; version?: number; ttl_ms?: number }[]> {
  const text = await textOf(lines);
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const keysIn = async (lines: PairLines) => (await pairsIn(lines)).map(({ key }) => key.data).sort();
const dataOf = (keys: readonly Key[]) => keys.map(({ data }) => data).sort();

/** A store whose scan gives these chunks. */
const storeOf = (chunks: Iterable<StoreChunk>) =>
  new StoreOperations(
    Object.assign(open().store, {
      scan: async function* () {
        yield* chunks;
      },
    }),
  );
const chunk = (partition: number, count: number, data = 'v'): StoreChunk => ({
  partition,
  pairs: Array.from({ length: count }, (_, i) => ({
    key: stringKey(`${partition}-${i}`),
    value: stringValue(data),
    version: 1,
  })),
});

describe('a scan', () => {
  it('gives every pair as a line', async () => {
    const keys = numbered(500);
    const { lines, missingNodes } = await (await filled(keys)).scan(all);
    expect([await keysIn(lines), missingNodes]).toEqual([dataOf(keys), []]);
  });

  it('gives nothing of an empty store', async () => {
    expect(await pairsIn((await open().operations.scan(all)).lines)).toEqual([]);
  });

  it('gives the keys of a prefix, in its encoding only', async () => {
    const operations = await filled([
      stringKey('ab'),
      stringKey('abc'),
      stringKey('b'),
      binaryKey(Buffer.from('ab')),
    ]);
    const { lines } = await operations.scan({ ...all, prefix: stringValue('ab') });
    expect(await keysIn(lines)).toEqual(['ab', 'abc']);
  });

  it('tells versions and times to live only when asked for metadata', async () => {
    const { operations } = open();
    await operations.set([
      { key: stringKey('stays'), value },
      { key: stringKey('goes'), value, ttlMs: 5000 },
    ]);
    const plain = await pairsIn((await operations.scan(all)).lines);
    expect(plain.filter((pair) => 'version' in pair || 'ttl_ms' in pair)).toEqual([]);
    const pairs = await pairsIn((await operations.scan({ ...all, meta: true })).lines);
    const version = expect.any(Number);
    expect(pairs.toSorted((a, b) => (a.key.data < b.key.data ? -1 : 1))).toEqual([
      { key: stringKey('goes'), value, version, ttl_ms: 5000 },
      { key: stringKey('stays'), value, version },
    ]);
  });

  it('joins small lines, so that a scan is not a write per pair, and keeps large ones apart', async () => {
    const lengths: number[] = [];
    const large = 'x'.repeat(100_000);
    const { lines } = await storeOf([chunk(0, 1000), chunk(1, 3, large)]).scan(all);
    for await (const chunk of lines) lengths.push(chunk.length);
    expect(lengths.length).toBeLessThan(6);
    expect(Math.max(...lengths)).toBeLessThan(200_000);
  });

  it('has no empty chunks, and ends soon after it is closed although it finds nothing', async () => {
    const operations = await filled(numbered(10_000));
    const prefix = stringValue('none');
    const unclosed = await operations.scan({ ...all, prefix });
    expect(await unclosed.lines[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
    const { lines, close } = await operations.scan({ ...all, prefix });
    const step = lines[Symbol.asyncIterator]().next();
    close();
    await expect(step).rejects.toThrow('the scan was closed');
  });

  it('of a closed store rejects, as every operation does', async () => {
    const { store, operations } = open();
    await store.close();
    const closed = expect.objectContaining({ code: 'shutting_down' });
    await expect(operations.scan(all)).rejects.toEqual(closed);
    expect(() => operations.fetch([])).toThrow(KvsError);
  });
});

describe('pages', () => {
  it('have the pairs from the cursor on', async () => {
    const operations = await filled(numbered(3000));
    const whole = await keysIn(
      (await operations.scan({ ...all, partitions: ALL_PARTITIONS.slice(500) })).lines,
    );
    const page = await collectPage({ ...all, cursor: 500, limit: 1_000_000 }, (window) =>
      operations.scan(window),
    );
    expect(await keysIn(page.lines)).toEqual(whole);
  });

  it('give every stable pair once, whatever the limits and whatever is written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat({ max: 9999 }), { maxLength: 150 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        fc.boolean(),
        async (numbers, limits, prefixed) => {
          const keys = numbers.map((n) => stringKey(`stable-${n}`));
          const operations = await filled([...keys, ...numbered(20)]);
          const seen: string[] = [];
          let cursor: number | undefined = 0;
          for (let i = 0; cursor !== undefined; i++) {
            const limit: number = limits[i % limits.length] ?? 1;
            const prefix = prefixed ? { prefix: stringValue('stable-') } : undefined;
            const page = await collectPage({ ...all, ...prefix, cursor, limit }, (window) =>
              operations.scan(window),
            );
            seen.push(...(await keysIn(page.lines)).filter((data) => data.startsWith('stable-')));
            expect(page.nextCursor ?? Infinity).toBeGreaterThan(cursor);
            cursor = page.nextCursor;
            await operations.set([{ key: stringKey(`passing-${i}`), value }]);
            await operations.delete([{ key: stringKey(`passing-${i - 2}`) }]);
          }
          expect(seen.sort()).toEqual(dataOf(keys));
        },
      ),
      { numRuns: 25 },
    );
  });
});
