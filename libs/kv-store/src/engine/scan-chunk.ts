import type { EnginePair } from './storage-engine.js';
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
