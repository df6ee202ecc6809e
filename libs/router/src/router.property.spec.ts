import fc from 'fast-check';
import { stringKey, stringValue, type Key, type KeyValueOperations, type SetItem } from '@kvs/protocol';
import { TransportError } from './node-transport.js';
import { FakeCluster, idsIn } from './testing/fake-cluster.js';
import { FakeNode } from './testing/fake-node.js';

// Few keys, so that batches meet each other's pairs, and duplicates within a batch.
const key = fc.nat({ max: 30 }).map((n) => stringKey(`key-${n}`));
const ifVersion = fc.option(fc.nat({ max: 2 }), { nil: undefined, freq: 3 });
const setItem = fc
  .record({ key, value: fc.string({ unit: 'grapheme' }).map(stringValue), ifVersion })
  .map(({ ifVersion: version, ...item }): SetItem =>
    version === undefined ? item : { ...item, ifVersion: version },
  );
const deleteItem = fc
  .record({ key, ifVersion })
  .map(({ ifVersion: version, ...item }) => (version === undefined ? item : { ...item, ifVersion: version }));

const batch = fc.oneof(
  fc.array(setItem).map((items) => ({ op: 'set' as const, items })),
  fc.array(deleteItem).map((items) => ({ op: 'delete' as const, items })),
  fc.array(key).map((items) => ({ op: 'fetch' as const, items })),
  fc.array(key).map((items) => ({ op: 'query' as const, items })),
);
type Batch = typeof batch extends fc.Arbitrary<infer B> ? B : never;
interface Batches extends Pick<KeyValueOperations, 'set' | 'delete' | 'query'> {
  fetch(keys: readonly Key[]): ReturnType<KeyValueOperations['fetch']>;
}

async function apply(to: Batches, { op, items }: Batch): Promise<readonly unknown[]> {
  if (op === 'set') return to.set(items);
  if (op === 'delete') return to.delete(items);
  return op === 'fetch' ? to.fetch(items) : to.query(items);
}

const keyOf = (item: Batch['items'][number]) => ('key' in item ? item.key : item);

describe('any number of nodes', () => {
  it('answer random batches as one Map does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(batch), async (count, batches) => {
        const cluster = new FakeCluster(count);
        const twin = new FakeNode();
        for (const each of batches)
          expect(await apply(cluster.router, each)).toEqual(await apply(twin, each));
        const { lines, missingNodes } = await cluster.router.scan({ meta: false, partial: false });
        expect([await idsIn(lines), missingNodes]).toEqual([[...twin.pairs.keys()].sort(), []]);
      }),
      { numRuns: 50 },
    );
  });

  it('answer as one Map does for the keys of those that are there, while one is away', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 4 }), fc.array(batch), async (count, batches) => {
        const cluster = new FakeCluster(count);
        const away = 'node-0:3000';
        cluster.node(away).failure = new TransportError('unconnected', 'gone');
        const twin = new FakeNode();
        const failure = { ok: false, code: 'node_unavailable', message: `${away}: gone` };
        for (const { op, items } of batches) {
          const outcomes = await apply(cluster.router, { op, items } as Batch);
          const alive = items.filter((item) => cluster.ownerOf(keyOf(item)) !== away);
          const expected = (await apply(twin, { op, items: alive } as Batch)).values();
          expect(outcomes).toEqual(
            items.map((item) => (cluster.ownerOf(keyOf(item)) === away ? failure : expected.next().value)),
          );
        }
        const { lines, missingNodes } = await cluster.router.scan({ meta: false, partial: true });
        expect([await idsIn(lines), missingNodes]).toEqual([[...twin.pairs.keys()].sort(), [away]]);
      }),
      { numRuns: 50 },
    );
  });
});
