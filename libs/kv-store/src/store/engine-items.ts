import { keyId, partitionOf, type DeleteItem, type Key, type SetItem } from '@kvs/protocol';
import { microsToMs, type Clock } from '../clock.js';
import type { EngineDelete, EngineKey, EngineWrite } from '../engine/engine-data.js';

// Items of requests as engines take them. The partition of each key is computed if it is not given.

/** Returns the write as an engine takes it, with a deadline for the time to live. */
export function engineWrite(
  { key, value, ttlMs, expiresAtMs: fixed, ifVersion }: SetItem,
  partition: number | undefined,
  clock: Clock,
): EngineWrite {
  const expiresAtMs = ttlMs === undefined ? fixed : deadline(microsToMs(clock.nowMicros()), ttlMs);
  return { id: keyId(key), partition: partition ?? partitionOf(key), value, expiresAtMs, ifVersion };
}

export function engineDelete({ key, ifVersion }: DeleteItem, partition: number | undefined): EngineDelete {
  return { id: keyId(key), partition: partition ?? partitionOf(key), ifVersion };
}

export function engineKeys(keys: readonly Key[], partitions: readonly number[] | undefined): EngineKey[] {
  return keys.map((key, i) => ({ id: keyId(key), partition: partitions?.[i] ?? partitionOf(key) }));
}

/** Returns when a pair expires, at most the largest exact number. */
function deadline(nowMs: number, ttlMs: number): number {
  return Math.min(nowMs + ttlMs, Number.MAX_SAFE_INTEGER);
}
