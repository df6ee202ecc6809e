import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryEngine, systemClock } from '@kvs/kv-store';
import { lmdbEngine } from '@kvs/kv-store-lmdb';
import { childInput, childOutput } from '../../harness/in-child.js';
import { pairBatches, type Batch, type PairShape } from '../pairs.js';
import { residentBytes } from './resident-bytes.js';

export interface HoldPairsInput {
  readonly holder: 'memory' | 'map' | 'lmdb';
  readonly shape: PairShape;
  readonly count: number;
}

export interface HoldPairsOutput {
  readonly pairCount: number;
  /** The holder's own account, if it has one. */
  readonly ownBytes?: number;
  /** The growth of RSS. */
  readonly grownBytes?: number;
  readonly fileBytes?: number;
}

const BATCH = 100;
const factoryOptions = { clock: systemClock };
const { holder, shape, count } = childInput<HoldPairsInput>();

switch (holder) {
  case 'memory':
    childOutput(await holdInEngine());
    break;
  case 'map':
    childOutput(await holdInMap());
    break;
  case 'lmdb':
    childOutput(await holdInFile());
    break;
}

async function holdInEngine(): Promise<HoldPairsOutput> {
  // A small engine comes first, so that code is compiled and the young generation has grown.
  const small = new MemoryEngine({ ...factoryOptions, maxMemoryBytes: 4 * 1024 * 1024, eviction: 'lru' });
  fill((batch) => small.setMany(batch.writes));
  small.close();
  const before = await residentBytes();
  const engine = new MemoryEngine({ ...factoryOptions, maxMemoryBytes: 8 * 1024 ** 3 });
  fill((batch) => engine.setMany(batch.writes));
  const grownBytes = (await residentBytes()) - before;
  const { pairCount, usedBytes } = engine.stats();
  return { pairCount, ownBytes: usedBytes, grownBytes };
}

async function holdInMap(): Promise<HoldPairsOutput> {
  const small = new Map<string, string>();
  fill((batch) => {
    put(small, batch);
    small.clear();
  });
  const before = await residentBytes();
  const map = new Map<string, string>();
  fill((batch) => put(map, batch));
  return { grownBytes: (await residentBytes()) - before, pairCount: map.size };
}

async function holdInFile(): Promise<HoldPairsOutput> {
  const directory = await mkdtemp(join(tmpdir(), 'kvs-bench-lmdb-'));
  try {
    const engine = await lmdbEngine({ directory })(factoryOptions);
    for (const { writes } of pairBatches(shape, count, 10 * BATCH)) await engine.setMany(writes);
    const { pairCount } = await engine.stats();
    await engine.close();
    return { pairCount, fileBytes: statSync(join(directory, 'data.mdb')).size };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function put(map: Map<string, string>, { plainKeys, plainValues }: Batch): void {
  for (const [at, key] of plainKeys.entries()) map.set(key, plainValues[at] ?? '');
}

function fill(put: (batch: Batch) => void): void {
  for (const batch of pairBatches(shape, count, BATCH)) put(batch);
}
