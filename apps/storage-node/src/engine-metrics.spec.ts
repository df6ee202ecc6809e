import { KvStore, MemoryEngine } from '@kvs/kv-store';
import { ManualClock } from '@kvs/kv-store/testing';
import { stringKey, stringValue } from '@kvs/protocol';
import { engineMetrics } from './engine-metrics.js';

function open(maxMemoryBytes = 64 * 1024 ** 2): KvStore {
  const clock = new ManualClock();
  return new KvStore(new MemoryEngine({ clock, maxMemoryBytes }), clock);
}

async function valuesOf(store: KvStore): Promise<Record<string, number | undefined>> {
  const families = await engineMetrics(store).collect();
  return Object.fromEntries(families.map(({ name, values }) => [name, values[0]?.value]));
}

it('an engine is shown with what it holds and how much it may', async () => {
  const store = open();
  await store.set(['a', 'b'].map((data) => ({ key: stringKey(data), value: stringValue('v') })));
  expect(await valuesOf(store)).toEqual({
    kvs_engine_up: 1,
    kvs_engine_pairs: 2,
    kvs_engine_partitions: 2,
    kvs_engine_used_bytes: (await store.stats()).usedBytes,
    kvs_engine_max_bytes: (await store.stats()).maxBytes,
  });
  await store.close();
});

it('what an engine keeps no account of is left out', async () => {
  const store = open();
  Object.assign(store, { stats: () => ({ pairCount: 3, partitionCount: 1 }) });
  expect(await valuesOf(store)).toEqual({ kvs_engine_up: 1, kvs_engine_pairs: 3, kvs_engine_partitions: 1 });
  await store.close();
});

it('snapshots are counted by outcome, of an engine that writes some', async () => {
  const store = open();
  const snapshots = { written: 5, failed: 2 };
  Object.assign(store, { stats: () => ({ pairCount: 3, partitionCount: 1, snapshots }) });
  const families = await engineMetrics(store).collect();
  expect(families.find(({ name }) => name === 'kvs_engine_snapshots_total')?.values).toEqual([
    { labels: { engine: 'memory', outcome: 'written' }, value: 5 },
    { labels: { engine: 'memory', outcome: 'failed' }, value: 2 },
  ]);
  await store.close();
});

it('an engine that cannot be asked is down, and says nothing else', async () => {
  const store = open();
  await store.close();
  expect(await valuesOf(store)).toEqual({ kvs_engine_up: 0 });
});
