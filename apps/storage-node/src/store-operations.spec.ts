import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { collectPage } from '@kvs/http-api';
import { KvStore, MemoryEngine } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { KvsError, stringKey, stringValue, type Key, type PairLines } from '@kvs/protocol';
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

async function keysIn(lines: PairLines): Promise<string[]> {
  const texts = (await textOf(lines)).split('\n').filter(Boolean);
  return texts.map((line) => JSON.parse(line).key.data);
}

describe('a scan', () => {
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

it('pages have every stable pair once, whatever the limits and whatever is written', async () => {
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
        expect(seen.sort()).toEqual(keys.map(({ data }) => data).sort());
      },
    ),
    { numRuns: 25 },
  );
});
