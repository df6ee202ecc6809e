import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryEngine, EVICTIONS, systemClock } from '@kvs/kv-store';
import { lmdbEngine } from '@kvs/kv-store-lmdb';
import { redisEngine } from '@kvs/kv-store-redis';
import type { RedisProcess } from '@kvs/kv-store-redis/testing';
import { ALL_PARTITIONS } from '@kvs/protocol';
import { bareMap, engineContender, redisClient, type Contender } from './contenders.js';
import { connect } from './redis-server.js';

const factoryOptions = { clock: systemClock };

/** Opens all contenders, empty, and closes them after the use. Those in Redis need a server. */
export async function withContenders<T>(
  server: RedisProcess | undefined,
  use: (contenders: readonly Contender[]) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-bench-lmdb-'));
  const contenders = [bareMap(), ...memoryEngines()];
  try {
    const lmdb = await lmdbEngine({ directory })(factoryOptions);
    contenders.push(engineContender('lmdb', lmdb, true, ALL_PARTITIONS));
    if (server !== undefined) contenders.push(...(await inRedis(server)));
    return await use(contenders);
  } finally {
    for (const contender of contenders) await contender.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function memoryEngines(): Contender[] {
  return EVICTIONS.map((eviction) => {
    const engine = new MemoryEngine({ ...factoryOptions, eviction, maxMemoryBytes: 1024 ** 3 });
    return engineContender(`memory, eviction ${eviction}`, engine, false, ALL_PARTITIONS);
  });
}

async function inRedis(server: RedisProcess): Promise<Contender[]> {
  // More calls are in flight than in a node, so the default time-out is too short.
  const engine = await redisEngine({ urls: [server.url], timeoutMs: 60_000 })(factoryOptions);
  return [
    engineContender('redis', engine, true, ALL_PARTITIONS),
    // In another database, so that its scan finds no pairs of the engine.
    redisClient(connect(server, 1)),
  ];
}
