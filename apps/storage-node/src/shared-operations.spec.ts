import { KvStore, MemoryEngine } from '@kvs/kv-store';
import { ManualClock, PromisedEngine } from '@kvs/kv-store/testing';
import { stringKey, stringValue } from '@kvs/protocol';
import { SharedOperations } from './shared-operations.js';
import { StoreOperations } from './store-operations.js';

const [KEY, OTHER] = [stringKey('k'), stringKey('other')];
const item = (text: string) => [{ key: KEY, value: stringValue(text) }];

function sharedOver(later: boolean): SharedOperations {
  const clock = new ManualClock();
  const engine = new MemoryEngine({ clock });
  return new SharedOperations(
    new StoreOperations(new KvStore(later ? new PromisedEngine(engine) : engine, clock)),
  );
}

it('calls on keys that a caller has for itself wait, and other calls do not', async () => {
  const shared = sharedOver(true);
  const order: string[] = [];
  const note = async (name: string, call: unknown) => {
    await call;
    order.push(name);
  };
  await Promise.all([
    note('before', shared.set(item('a'))),
    shared.exclusively([KEY], async (own) => {
      await own.set(item('b'));
      await own.query([KEY]);
      order.push('alone');
    }),
    note('set', shared.set(item('c'), [7], 1)),
    note('fetch', shared.fetch([OTHER, KEY])),
    note('query', shared.query([KEY])),
    note('delete', shared.delete([{ key: KEY }])),
    note('beside', shared.query([OTHER])),
  ]);
  expect(order.slice(0, 3)).toEqual(expect.arrayContaining(['before', 'beside', 'alone']));
  expect(order.indexOf('alone')).toBe(2);
});

it('keys are free again after a failure', async () => {
  const shared = sharedOver(true);
  const failing = shared.exclusively([KEY], async () => {
    throw new RangeError('failed');
  });
  await expect(failing).rejects.toThrow(RangeError);
  expect(await shared.query([KEY])).toEqual([{ ok: true, present: false }]);
});

it('operations that are done at once are answered at once', () => {
  const shared = sharedOver(false);
  expect(shared.exclusively([KEY], (own) => own.set(item('a')))).toMatchObject([{ ok: true }]);
  expect(shared.query([KEY])).toEqual([{ ok: true, present: true }]);
});
