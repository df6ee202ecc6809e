import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemTimers } from '@kvs/protocol';
import { usageError } from '@kvs/server';
import { LocalTopologyStore, type TopologyStore } from '@kvs/topology';
import type { TopologyPlace } from './cluster-config.js';

/**
 * Opens the store of the topology.
 *
 * @param onLost told why, when another process has taken the file
 * @throws KvsError `engine_unavailable`: another process has the file
 * @throws StartError if the path is that of a directory
 */
export async function openTopologyStore(
  place: TopologyPlace,
  onLost: (error: Error) => void,
): Promise<TopologyStore> {
  if (place.kind === 'memory') return new LocalTopologyStore();
  if (place.kind === 'etcd') {
    const { EtcdTopologyStore } = await import('@kvs/topology-etcd');
    return new EtcdTopologyStore(place);
  }
  // Only a proxy with a topology in a file needs the lock.
  const { DirectoryLock, systemClock } = await import('@kvs/kv-store');
  const path = resolve(place.path);
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw usageError(`--topology file:${place.path} is a directory, not a file`);
  const lock = await DirectoryLock.acquire(dirname(path), {
    clock: systemClock,
    scheduler: systemTimers,
    onLost,
  });
  return new LocalTopologyStore({ path, lock });
}
