import type { PairStore } from '../pair-store.js';
import { FRAME_HEADER_BYTES, PAIR_HEADER_BYTES, pairBytes, writePairHeader } from './snapshot-format.js';

/** Pairs that will be written to a file, copied into buffers that are reused. A pair longer than a chunk has its own buffer. */
export class CopiedPairs {
  pairCount = 0;
  /** Chunks with no room for another pair. There are several only if many pairs change while a chunk is written. */
  readonly #full: Buffer[] = [];
  #chunk: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #spare: Buffer | undefined = Buffer.allocUnsafe(CHUNK_BYTES);
  #longSpare: Buffer | undefined;
  #length = FRAME_HEADER_BYTES;

  /** Whether it is time to write the added pairs. */
  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES / 2 || this.#full.length > 0;
  }

  get hasChunk(): boolean {
    return this.#length > FRAME_HEADER_BYTES || this.#full.length > 0;
  }

  /** @returns how many bytes were copied */
  add(store: PairStore, partition: number, ref: number): number {
    const record = store.records.raw(ref);
    const bytes = pairBytes(record);
    this.pairCount += 1;
    const isLong = FRAME_HEADER_BYTES + bytes > CHUNK_BYTES;
    if (!isLong && this.#length + bytes > CHUNK_BYTES) this.#full.push(this.#endChunk());
    const chunk = isLong ? this.#longChunk(FRAME_HEADER_BYTES + bytes) : this.#chunk;
    const at = isLong ? FRAME_HEADER_BYTES : this.#length;
    writePairHeader(chunk, at, partition, record);
    store.records.copyData(ref, record, chunk, at + PAIR_HEADER_BYTES);
    if (isLong) this.#full.push(chunk);
    else this.#length += bytes;
    return bytes;
  }

  /**
   * Returns the next pairs, after room for the header of a frame. The caller releases the buffer when they are
   * written. Until then, others are added to another buffer.
   */
  nextChunk(): Buffer {
    return this.#full.shift() ?? this.#endChunk();
  }

  release({ buffer, byteOffset, length }: Buffer): void {
    if (length <= CHUNK_BYTES) this.#spare = Buffer.from(buffer, byteOffset, CHUNK_BYTES);
    else this.#longSpare = Buffer.from(buffer);
  }

  /** Reuses a buffer, because new ones would make the garbage collector run every few megabytes. */
  #longChunk(length: number): Buffer {
    const spare = this.#longSpare;
    this.#longSpare = undefined;
    const fits = spare !== undefined && spare.length >= length;
    return fits ? spare.subarray(0, length) : Buffer.allocUnsafeSlow(length);
  }

  #endChunk(): Buffer {
    const chunk = this.#chunk.subarray(0, this.#length);
    this.#chunk = this.#spare ?? Buffer.allocUnsafe(CHUNK_BYTES);
    this.#spare = undefined;
    this.#length = FRAME_HEADER_BYTES;
    return chunk;
  }
}

/** The length of a chunk, unless a single pair is longer: enough that there are few writes. */
export const CHUNK_BYTES = 64 * 1024;
