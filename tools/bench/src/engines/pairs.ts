import type { EngineDelete, EngineWrite, EngineKey } from '@kvs/kv-store';
import type { Encoding } from '@kvs/protocol';
import { brandValue, keyId, partitionOf, stringKey } from '@kvs/protocol';
import { randomTexts, seededRandom } from '../harness/random.js';

/** The sizes of random pairs. Keys are text. */
export interface PairShape {
  readonly name: string;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly encoding: Encoding;
}

/** Pairs in all forms that contenders take, so that no conversion is timed. */
export interface Batch {
  readonly keys: readonly EngineKey[];
  readonly writes: readonly EngineWrite[];
  readonly deletes: readonly EngineDelete[];
  readonly plainKeys: readonly string[];
  /** Text, or hexadecimal digits of bytes. */
  readonly plainValues: readonly string[];
}

/** Returns batches of random pairs, the same pairs for the same seed. The last batch may be smaller. */
export function* pairBatches(
  shape: PairShape,
  count: number,
  batchSize: number,
  seed = 1,
): Generator<Batch, void, undefined> {
  const random = seededRandom(seed);
  for (let from = 0; from < count; from += batchSize) {
    const size = Math.min(batchSize, count - from);
    // Pair by pair, so that the pairs don't depend on the size of the batches.
    const texts = Array.from({ length: size }, () => [
      ...randomTexts(1, shape.keyBytes, random),
      ...randomTexts(1, shape.valueBytes, random),
    ]);
    yield batchOf(
      shape,
      texts.map(([key = '']) => key),
      texts.map(([, value = '']) => value),
    );
  }
}

/** Returns a batch of these keys and values. `texts` become bytes if the encoding is binary. */
export function batchOf(
  { encoding }: Pick<PairShape, 'encoding'>,
  plainKeys: readonly string[],
  texts: readonly string[],
): Batch {
  const values = texts.map((text) =>
    brandValue({ encoding, data: encoding === 'binary' ? hexOf(text) : text }),
  );
  const keys = plainKeys.map(stringKey).map((key) => ({ id: keyId(key), partition: partitionOf(key) }));
  const deletes = keys.map((key) => ({ ...key, ifVersion: undefined }));
  const writes = deletes.flatMap((item, at) => {
    const value = values[at];
    return value === undefined ? [] : [{ ...item, value, expiresAtMs: undefined }];
  });
  return { keys, writes, deletes, plainKeys, plainValues: values.map(({ data }) => data) };
}

/** Returns a flat string. One that is concatenated digit by digit takes forty times the memory. */
function hexOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

/** Returns a number as text of a fixed length, flat in memory. */
export function numberedText(index: number, length: number): string {
  return Buffer.from(String(index).padStart(length, '0'), 'latin1').toString('latin1');
}
