import type { PairStore } from '../pair-store.js';
import type { RawRecord } from '../raw-record.js';
import type { ChunkCursor } from '../slab/chunk-cursor.js';
import {
  FRAME_HEADER_BYTES,
  PAIR_HEADER_BYTES,
  pairBytes,
  writePair,
  writePairHeader,
} from './snapshot-format.js';

/**
 * Pairs that will be written to a file. Small pairs are copied at once, into a buffer that is reused. Large pairs are
 * copied chunk by chunk when they are written, or completely before they change.
 */
export class CopiedPairs {
  pairCount = 0;
  /** Chunks with no room for another pair. There are several only if many pairs change while a chunk is written. */
  readonly #full: Buffer[] = [];
  #chunk: Buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #spare: Buffer | undefined = Buffer.allocUnsafe(CHUNK_BYTES);
  #length = FRAME_HEADER_BYTES;
  readonly #large: LargePair[] = [];

  /** Whether it is time to write the added pairs. */
  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES / 2 || this.#full.length > 0 || this.#large.length > 0;
  }

  get hasChunk(): boolean {
    return this.#length > FRAME_HEADER_BYTES || this.#full.length > 0;
  }

  /** The first of the large pairs, until {@link finishLarge}. */
  get large(): LargePair | undefined {
    return this.#large[0];
  }

  /** @returns how many bytes were copied */
  add(store: PairStore, partition: number, ref: number): number {
    const record = store.records.raw(ref);
    const bytes = pairBytes(record);
    this.pairCount += 1;
    if (record.isLarge) {
      this.#large.push(new LargePair(ref, partition, record, store.records.cursor(ref)));
      return 0;
    }
    if (this.#length + bytes > CHUNK_BYTES) this.#full.push(this.#endChunk());
    writePair(this.#chunk, this.#length, partition, record);
    this.#length += bytes;
    return bytes;
  }

  /** Must be called before a pair changes: a large pair that is still to be written is copied completely. */
  aboutToChange(ref: number): void {
    for (const pair of this.#large) pair.aboutToChange(ref);
  }

  /** A record or a chunk has moved. */
  moved(from: number, to: number): void {
    for (const pair of this.#large) pair.moved(from, to);
  }

  finishLarge(): void {
    this.#large.shift();
  }

  /**
   * Returns the next small pairs, after room for the header of a frame. The caller releases the buffer when they are
   * written. Until then, others are added to another buffer.
   */
  nextChunk(): Buffer {
    return this.#full.shift() ?? this.#endChunk();
  }

  release({ buffer, byteOffset }: Buffer): void {
    this.#spare = Buffer.from(buffer, byteOffset, CHUNK_BYTES);
  }

  #endChunk(): Buffer {
    const chunk = this.#chunk.subarray(0, this.#length);
    this.#chunk = this.#spare ?? Buffer.allocUnsafe(CHUNK_BYTES);
    this.#spare = undefined;
    this.#length = FRAME_HEADER_BYTES;
    return chunk;
  }
}

/** A large pair, which is copied in several turns of the event loop. */
export class LargePair {
  /** In the file. */
  readonly byteCount: number;
  readonly #header = Buffer.allocUnsafe(PAIR_HEADER_BYTES);
  #headerIsRead = false;
  /** How many bytes of the key and the value are still to be read. */
  #left: number;
  /** The remaining bytes, from when the pair was about to change. */
  #own: Buffer | undefined;
  #ref: number;

  readonly #cursor: ChunkCursor;

  constructor(ref: number, partition: number, record: RawRecord, cursor: ChunkCursor) {
    this.#cursor = cursor;
    this.#ref = ref;
    this.byteCount = pairBytes(record);
    this.#left = record.end - record.keyStart;
    writePairHeader(this.#header, 0, partition, record);
  }

  /** Copies as many of the next bytes as fit; returns how many. */
  read(target: Buffer): number {
    const start = this.#headerIsRead ? 0 : this.#header.copy(target);
    this.#headerIsRead = true;
    const length = Math.min(this.#left, target.length - start);
    if (this.#own === undefined) this.#cursor.read(target, start, start + length);
    else this.#own.copy(target, start, this.#own.length - this.#left);
    this.#left -= length;
    return start + length;
  }

  /** Copies the rest if this record is about to change. */
  aboutToChange(ref: number): void {
    if (this.#ref !== ref || this.#own !== undefined) return;
    const own = Buffer.allocUnsafe(this.#left);
    this.#cursor.read(own, 0, own.length);
    this.#own = own;
  }

  moved(from: number, to: number): void {
    if (this.#ref === from) this.#ref = to;
    this.#cursor.moved(from, to);
  }
}

/**
 * How much is written to the file at a time: enough that there are few writes, and little enough that a checksum is
 * quick.
 */
export const CHUNK_BYTES = 64 * 1024;
