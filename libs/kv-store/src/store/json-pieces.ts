import type { PairFormat, WirePair } from '@kvs/protocol';
import type { StoreChunk, StoredPair } from './store-chunk.js';

/** The pairs of a scan as JSON text, for engines that don't make it themselves. */
export async function* jsonPieces(
  chunks: AsyncIterable<StoreChunk>,
  meta: boolean,
  format: PairFormat,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { pairs } of chunks) yield* piecesOf(pairs, meta, format);
}

/** Small pairs joined, so that sending them is not a write for each, and large ones apart. */
export function* piecesOf(
  pairs: readonly StoredPair[],
  meta: boolean,
  format: PairFormat,
): Generator<Uint8Array, void, undefined> {
  let text = '';
  for (const pair of pairs) {
    const json = JSON.stringify(wirePair(pair, meta));
    text += format === 'items' ? `,${json}\n` : `${json}\n`;
    if (text.length < PIECE_UNITS) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

function wirePair({ key, value, version, ttlMs }: StoredPair, meta: boolean): WirePair {
  return {
    key,
    value,
    ...(meta ? { version } : undefined),
    ...(meta && ttlMs !== undefined ? { ttl_ms: ttlMs } : undefined),
  };
}

/** About how much text is joined into one piece. */
const PIECE_UNITS = 60 * 1024;
