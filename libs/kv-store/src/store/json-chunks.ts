import type { WirePair } from '@kvs/protocol';
import type { EngineJsonScanOptions } from '../engine/storage-engine.js';
import type { StoreChunk, StoredPair } from './store-chunk.js';

/**
 * Yields the pairs of a scan as JSON text, for engines without `scanJson`. Joins small pairs, because sending each
 * alone would cost a write. A chunk without pairs becomes an empty one.
 */
export async function* jsonChunks(
  chunks: AsyncIterable<StoreChunk>,
  options: EngineJsonScanOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { pairs } of chunks) {
    let text = '';
    for (const pair of pairs) {
      const json = JSON.stringify(wirePair(pair, options));
      text += options.format === 'items' ? `,${json}\n` : `${json}\n`;
      if (text.length < CHUNK_UNITS) continue;
      yield Buffer.from(text);
      text = '';
    }
    yield Buffer.from(text);
  }
}

function wirePair(
  { key, value, version, ttlMs }: StoredPair,
  { meta, values = true }: EngineJsonScanOptions,
): Omit<WirePair, 'value'> {
  return {
    key,
    ...(values ? { value } : undefined),
    ...(meta ? { version } : undefined),
    ...(meta && ttlMs !== undefined ? { ttl_ms: ttlMs } : undefined),
  };
}

/** A chunk ends with the pair at which it has this many UTF-16 units. */
const CHUNK_UNITS = 60 * 1024;
