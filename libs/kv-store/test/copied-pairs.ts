import { CHUNK_BYTES, type CopiedPairs } from '../src/engine/memory/snapshot/copied-pairs.js';
import type { EngineKey, EnginePair } from '../src/engine/engine-data.js';
import { FRAME_HEADER_BYTES, readPairs } from '../src/engine/memory/snapshot/snapshot-format.js';

/**
 * Reads all copied pairs, as the writer of a snapshot does.
 * @param between called before a long pair is read, as if it took some time to write it
 */
export function takeCopied(
  copied: CopiedPairs,
  between: () => void = () => undefined,
): (EnginePair & EngineKey)[] {
  const pairs: (EnginePair & EngineKey)[] = [];
  while (copied.hasChunk) {
    const chunk = copied.nextChunk();
    if (chunk.length > CHUNK_BYTES) between();
    pairs.push(...readPairs(chunk.subarray(FRAME_HEADER_BYTES)));
    copied.release(chunk);
  }
  return pairs;
}
