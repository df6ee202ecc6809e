import type { PairStore } from '../pair-store.js';
import type { RawRecord } from '../raw-record.js';
import type { PieceCursor } from '../slab/piece-cursor.js';
import {
  FRAME_HEADER_BYTES,
  PAIR_HEADER_BYTES,
  pairBytes,
  writePair,
  writePairHeader,
} from './snapshot-format.js';

/**
 * Pairs on their way into a file. Small ones are copied at once, into a buffer that is used again and again; large ones
 * when they are written, a piece at a time, unless they are about to change before.
 */
export class CopiedPairs {
  pairCount = 0;
  #piece: Buffer = Buffer.allocUnsafe(PIECE_BYTES);
  #spare: Buffer | undefined = Buffer.allocUnsafe(PIECE_BYTES);
  #length = FRAME_HEADER_BYTES;
  readonly #large: LargePair[] = [];

  /** Whether it is time to write what was added. */
  get isFull(): boolean {
    return this.#length >= PIECE_BYTES / 2 || this.#large.length > 0;
  }

  get hasPiece(): boolean {
    return this.#length > FRAME_HEADER_BYTES;
  }

  /** The first of the large pairs, until it is {@link finishLarge | finished}. */
  get large(): LargePair | undefined {
    return this.#large[0];
  }

  /** @returns how many bytes were copied */
  add(store: PairStore, partition: number, ref: number): number {
    const record = store.records.raw(ref);
    const bytes = pairBytes(record);
    this.pairCount += 1;
    if (record.isSpread) {
      this.#large.push(new LargePair(ref, partition, record, store.records.cursor(ref)));
      return 0;
    }
    this.#reserve(bytes);
    writePair(this.#piece, this.#length, partition, record);
    this.#length += bytes;
    return bytes;
  }

  /** A large pair that is still to be written must be copied whole before it changes. */
  aboutToChange(ref: number): void {
    for (const pair of this.#large) pair.aboutToChange(ref);
  }

  /** A record, or a piece of one, is now elsewhere. */
  moved(from: number, to: number): void {
    for (const pair of this.#large) pair.moved(from, to);
  }

  finishLarge(): void {
    this.#large.shift();
  }

  /**
   * The small pairs added since the last time, with room for a frame's header in front. To be given back when they are
   * written; until then others are added elsewhere.
   */
  takePiece(): Buffer {
    const taken = this.#piece.subarray(0, this.#length);
    this.#piece = this.#spare ?? Buffer.allocUnsafe(PIECE_BYTES);
    this.#spare = undefined;
    this.#length = FRAME_HEADER_BYTES;
    return taken;
  }

  giveBack({ buffer, byteOffset }: Buffer): void {
    // One that had to grow is not kept.
    if (buffer.byteLength === PIECE_BYTES) this.#spare = Buffer.from(buffer, byteOffset, PIECE_BYTES);
  }

  /** More than a piece holds comes together only where much changes while a piece is being written. */
  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#piece.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#piece.length);
    this.#piece.copy(larger, 0, 0, this.#length);
    this.#piece = larger;
  }
}

/** A pair too large to be copied in one turn: one that is spread over several slots. */
export class LargePair {
  /** In the file. */
  readonly byteCount: number;
  readonly #header = Buffer.allocUnsafe(PAIR_HEADER_BYTES);
  #headerIsRead = false;
  /** Of its key and value, how many bytes are still to be read. */
  #left: number;
  /** What was left when the pair was about to change. */
  #own: Buffer | undefined;
  #ref: number;

  readonly #cursor: PieceCursor;

  constructor(ref: number, partition: number, record: RawRecord, cursor: PieceCursor) {
    this.#cursor = cursor;

    this.#ref = ref;
    this.byteCount = pairBytes(record);
    this.#left = record.end - record.keyStart;
    writePairHeader(this.#header, 0, partition, record);
  }

  /** Copies the next bytes, as many as there are and as fit; returns how many. */
  read(target: Buffer): number {
    const start = this.#headerIsRead ? 0 : this.#header.copy(target);
    this.#headerIsRead = true;
    const length = Math.min(this.#left, target.length - start);
    if (this.#own === undefined) this.#cursor.read(target, start, start + length);
    else this.#own.copy(target, start, this.#own.length - this.#left);
    this.#left -= length;
    return start + length;
  }

  /** Copies what is left, where it is this record that is about to change. */
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

/** What is written to the file at a time: large enough that writes are few, small enough to be checked in no time. */
export const PIECE_BYTES = 64 * 1024;
