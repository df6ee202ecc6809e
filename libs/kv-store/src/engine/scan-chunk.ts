import { setImmediate } from 'node:timers/promises';
import type { KeyId } from '@kvs/protocol';
import type { EngineChunk, EngineEntry, EnginePair } from './engine-data.js';
import { SCAN_CHUNK_PAIRS, SCAN_CHUNK_UNITS } from './storage-engine.js';

/** Fills one chunk of a scan up to the bounds of the engine contract. */
export class ScanChunkBuilder {
  readonly pairs: EnginePair[] = [];
  #units = 0;

  get isFull(): boolean {
    return this.pairs.length >= SCAN_CHUNK_PAIRS || this.#units >= SCAN_CHUNK_UNITS;
  }

  add(pair: EnginePair): void {
    this.pairs.push(pair);
    this.#units += pair.id.length + pair.value.data.length;
  }
}

/**
 * Yields the chunks of one partition, for an engine that can list a partition's ids at once. It looks up each pair
 * when it needs it, and leaves it out if it is gone, so a chunk may be empty. The event loop turns before each chunk.
 */
export async function* inChunks(
  partition: number,
  ids: readonly KeyId[],
  find: (id: KeyId) => EngineEntry | undefined,
): AsyncGenerator<EngineChunk, void, undefined> {
  let next = 0;
  do {
    await setImmediate();
    const chunk = new ScanChunkBuilder();
    for (let id = ids[next]; id !== undefined && !chunk.isFull; id = ids[++next]) {
      const entry = find(id);
      if (entry !== undefined) chunk.add({ id, ...entry });
    }
    yield { partition, pairs: chunk.pairs };
  } while (next < ids.length);
}
