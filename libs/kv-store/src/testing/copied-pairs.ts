import type { CopiedPairs } from '../engine/memory/snapshot/copied-pairs.js';
import { CHUNK_BYTES } from '../engine/memory/snapshot/copied-pairs.js';
import type { EngineKey, EnginePair } from '../engine/storage-engine.js';
import { FRAME_HEADER_BYTES, readPairs } from '../engine/memory/snapshot/snapshot-format.js';

/**
 * Reads all copied pairs, as the writer of a snapshot does.
 * @param between called before each chunk of a large pair
 */
export function takeCopied(
  copied: CopiedPairs,
  between: () => void = () => undefined,
): (EnginePair & EngineKey)[] {
  const pairs: (EnginePair & EngineKey)[] = [];
  while (copied.hasChunk || copied.large !== undefined) {
    const chunk = copied.nextChunk();
    pairs.push(...readPairs(chunk.subarray(FRAME_HEADER_BYTES)));
    copied.release(chunk);
    const { large } = copied;
    if (large === undefined) continue;
    const bytes = Buffer.alloc(large.byteCount);
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let read = 0; read < bytes.length;) {
      between();
      const length = large.read(buffer);
      buffer.copy(bytes, read, 0, length);
      read += length;
    }
    copied.finishLarge();
    pairs.push(...readPairs(bytes));
  }
  return pairs;
}
