import { strict as assert } from 'node:assert';
import { keyFromId, keyId, stringKey, stringValue, type Key, type Value } from '@kvs/protocol';
import type {
  EngineChunk,
  EngineDelete,
  EngineEntry,
  EnginePair,
  EngineWrite,
  EngineWriteOutcome,
  EngineKey,
} from '../engine/engine-data.js';
import type { EngineScanOptions, StorageEngine } from '../engine/storage-engine.js';

// Helpers of the engine tests. A text stands for the string key or value of that text.

/** The partition of a test's pairs by default. */
export const PARTITION = 7;

export function placed(key: Key | string, partition = PARTITION): EngineKey {
  return { id: keyId(typeof key === 'string' ? stringKey(key) : key), partition };
}

export interface WriteDetails {
  readonly partition?: number;
  readonly expiresAtMs?: number;
  readonly ifVersion?: number;
}

export function write(
  key: Key | string,
  value: Value | string = 'v',
  details: WriteDetails = {},
): EngineWrite {
  return {
    ...placed(key, details.partition),
    value: typeof value === 'string' ? stringValue(value) : value,
    expiresAtMs: details.expiresAtMs,
    ifVersion: details.ifVersion,
  };
}

export function removal(key: Key | string, { partition, ifVersion }: WriteDetails = {}): EngineDelete {
  return { ...placed(key, partition), ifVersion };
}

/** Writes one pair and fails if that does not succeed. */
export async function set(engine: StorageEngine, item: EngineWrite): Promise<number> {
  return versionOf(await attempt(engine, item));
}

/** Writes one pair; returns the outcome. */
export async function attempt(engine: StorageEngine, item: EngineWrite): Promise<EngineWriteOutcome> {
  return only(await engine.setMany([item]));
}

export async function get(
  engine: StorageEngine,
  key: Key | string | EngineKey,
): Promise<EngineEntry | undefined> {
  const outcome = only(await engine.getMany([asPlaced(key)]));
  assert.notEqual(outcome.status, 'unavailable');
  return outcome.status === 'found' ? outcome : undefined;
}

/** Returns the value's data, undefined for an absent pair. */
export async function read(
  engine: StorageEngine,
  key: Key | string | EngineKey,
): Promise<string | undefined> {
  return (await get(engine, key))?.value.data;
}

export async function has(engine: StorageEngine, key: Key | string | EngineKey): Promise<boolean> {
  const { status } = only(await engine.hasMany([asPlaced(key)]));
  assert.notEqual(status, 'unavailable');
  return status === 'present';
}

/** Deletes one pair; returns the status of the outcome. */
export async function remove(
  engine: StorageEngine,
  key: Key | string,
  details?: WriteDetails,
): Promise<string> {
  return only(await engine.deleteMany([removal(key, details)])).status;
}

/** Returns the chunks that have pairs. */
export async function scanChunks(
  engine: StorageEngine,
  partitions: readonly number[],
  options?: EngineScanOptions,
): Promise<EngineChunk[]> {
  const chunks: EngineChunk[] = [];
  for await (const chunk of engine.scan(partitions, options)) if (chunk.pairs.length > 0) chunks.push(chunk);
  return chunks;
}

export async function scanPairs(
  engine: StorageEngine,
  partitions: readonly number[] = [PARTITION],
  options?: EngineScanOptions,
): Promise<EnginePair[]> {
  return (await scanChunks(engine, partitions, options)).flatMap(({ pairs }) => pairs);
}

/** Returns the data of the keys of a scan, sorted, repetitions included. */
export async function scanKeys(
  engine: StorageEngine,
  partitions?: readonly number[],
  options?: EngineScanOptions,
): Promise<string[]> {
  return keyData(await scanPairs(engine, partitions, options));
}

/** Writes pairs to 64 partitions, enough that an engine lets other work run while it looks through them. */
export async function spread(engine: StorageEngine): Promise<readonly number[]> {
  const partitions = Array.from({ length: 64 }, (_, i) => 3 * i);
  for (const partition of partitions)
    await engine.setMany(numbered(50).map((key) => write(key, 'v', { partition })));
  return partitions;
}

export function keyData(pairs: readonly EnginePair[]): string[] {
  return pairs.map(({ id }) => keyFromId(id).data).sort();
}

export function versionOf(outcome: EngineWriteOutcome | undefined): number {
  assert.ok(outcome?.status === 'written', `expected a write, not ${JSON.stringify(outcome)}`);
  return outcome.version;
}

export function createdOf(outcome: EngineWriteOutcome | undefined): boolean {
  assert.ok(outcome?.status === 'written', `expected a write, not ${JSON.stringify(outcome)}`);
  return outcome.created;
}

export function numbered(count: number, prefix = 'key'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
}

function asPlaced(key: Key | string | EngineKey): EngineKey {
  return typeof key === 'object' && 'id' in key ? key : placed(key);
}

function only<T>(outcomes: readonly T[]): T {
  const [outcome] = outcomes;
  assert.ok(outcomes.length === 1 && outcome !== undefined, `expected one outcome, not ${outcomes.length}`);
  return outcome;
}
