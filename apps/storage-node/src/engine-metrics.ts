import { counter, gauge, type MetricFamily, type MetricsSource } from '@kvs/server';
import type { EngineStats, KvStore } from '@kvs/kv-store';
import { KvsError } from '@kvs/protocol';

/** The pairs and bytes of this node's engine. While the engine does not answer, `kvs_engine_up` is 0 and the rest is left out. */
export function engineMetrics(store: Pick<KvStore, 'engineName' | 'stats'>): MetricsSource {
  return {
    collect: async () => {
      const labels = { engine: store.engineName };
      const stats = await statsOf(store);
      return [
        gauge('kvs_engine_up', 'Whether the storage engine can be asked', [{ labels, value: stats ? 1 : 0 }]),
        ...(stats ? held(stats, labels) : []),
      ];
    },
  };
}

async function statsOf(store: Pick<KvStore, 'stats'>): Promise<EngineStats | undefined> {
  try {
    return await store.stats();
  } catch (error) {
    if (error instanceof KvsError) return undefined;
    throw error;
  }
}

function held(
  { pairCount, partitionCount, usedBytes, maxBytes, snapshots }: EngineStats,
  labels: { engine: string },
): MetricFamily[] {
  const families = [
    gauge('kvs_engine_pairs', 'Pairs held, expired ones too until they are reclaimed', [
      { labels, value: pairCount },
    ]),
    gauge('kvs_engine_partitions', 'Partitions that hold a pair', [{ labels, value: partitionCount }]),
  ];
  if (usedBytes !== undefined) {
    families.push(gauge('kvs_engine_used_bytes', 'Bytes taken by pairs', [{ labels, value: usedBytes }]));
  }
  if (maxBytes !== undefined) {
    families.push(
      gauge('kvs_engine_max_bytes', 'Bytes at which the engine is full', [{ labels, value: maxBytes }]),
    );
  }
  if (snapshots !== undefined) {
    const { written, failed } = snapshots;
    families.push(
      counter('kvs_engine_snapshots_total', 'Snapshots by outcome, since the engine was opened', [
        { labels: { ...labels, outcome: 'written' }, value: written },
        { labels: { ...labels, outcome: 'failed' }, value: failed },
      ]),
    );
  }
  return families;
}
