import type { EngineKey, EngineWrite } from '@kvs/kv-store';
import { brandValue, keyId, partitionOf, stringKey } from '@kvs/protocol';

/** The lengths of keys and values. */
export interface PairSizes {
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** Pairs in all forms that stores take, so that no conversion is timed. */
export interface Batch {
  readonly keys: readonly EngineKey[];
  readonly writes: readonly EngineWrite[];
  readonly texts: readonly (readonly [key: string, value: string])[];
}

/** The sizes that speed, bytes and snapshots are measured with. */
export const SIZES: PairSizes = { keyBytes: 16, valueBytes: 100 };

/** Returns batches of the first pairs. The last batch may be smaller. */
export function* pairBatches(sizes: PairSizes, count: number, batchSize: number): Generator<Batch, void> {
  for (let from = 0; from < count; from += batchSize)
    yield batchAt(sizes, from, Math.min(batchSize, count - from));
}

/** Returns pairs from an index on. The key of a pair is its index, and the value is the next one. */
export function batchAt({ keyBytes, valueBytes }: PairSizes, from: number, size: number): Batch {
  const texts = Array.from({ length: size }, (_, at) => {
    return [numberedText(from + at, keyBytes), numberedText(from + at + 1, valueBytes)] as const;
  });
  const writes = texts.map(([text, data]) => {
    const key = stringKey(text);
    const value = brandValue({ encoding: 'string', data });
    return {
      id: keyId(key),
      partition: partitionOf(key),
      ifVersion: undefined,
      value,
      expiresAtMs: undefined,
    };
  });
  return { keys: writes.map(({ id, partition }) => ({ id, partition })), writes, texts };
}

/** Returns a number as text of a fixed length, flat in memory like a string from a socket. */
function numberedText(index: number, length: number): string {
  return Buffer.from(String(index).padStart(length, '0'), 'latin1').toString('latin1');
}
