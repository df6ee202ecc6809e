import { microsToMs, type Clock, type StorageEngine } from '@kvs/kv-store';
import type { Replica } from '@kvs/replication';
import type { OwnReport } from './cluster-role.js';

/** Returns what a node says of itself. The failures in it are not reported again. */
export async function nodeReport(
  replica: Replica,
  engine: StorageEngine,
  clock: Clock,
  isEnding: boolean,
): Promise<OwnReport> {
  const { usedBytes = 0, maxBytes } = await engine.stats();
  return {
    bootId: replica.bootId,
    wholeRevision: replica.wholeRevision,
    timeMs: microsToMs(clock.nowMicros()),
    isEnding,
    usedBytes,
    freeBytes: maxBytes === undefined ? undefined : Math.max(maxBytes - usedBytes, 0),
    highestVersion: replica.highestVersion(),
    held: replica.heldPartitions(),
    fills: replica.fills(),
    failures: replica.takeFailures(),
  };
}
