import { Buffer } from 'node:buffer';
import { FRAME_HEADER_BYTES, LENGTH_BYTES, UTF8_TEXT, type FrameType } from './frame.js';

/**
 * Writes frames, one after another, into slabs that several frames share, because allocating memory for each frame would cost
 * more than filling it.
 */
export class FrameBuilder {
  #slab: Buffer;
  #start = 0;
  #at = 0;
  #joined = '';

  readonly #slabBytes: number;

  /** @param slabBytes the smallest size of a slab. Tests use small ones: a number that was not reserved is then lost */
  constructor(slabBytes = SLAB_BYTES) {
    this.#slabBytes = slabBytes;
    this.#slab = Buffer.allocUnsafeSlow(slabBytes);
  }

  begin(type: FrameType): void {
    this.#joined = '';
    this.#at = this.#start;
    this.reserve(FRAME_HEADER_BYTES);
    this.#slab[this.#start + LENGTH_BYTES] = type;
    this.#at += FRAME_HEADER_BYTES;
  }

  /** Reserves bytes for numbers. Call it before they are written, with at least the bytes that they take. */
  reserve(bytes: number): void {
    if (this.#at + bytes > this.#slab.length) this.#move(bytes);
  }

  /** Takes 1 byte. */
  byte(value: number): void {
    this.#slab[this.#at++] = value;
  }

  /** An unsigned 32-bit integer, 7 bits to the byte, the lowest first. Takes at most {@link MAX_VARINT_BYTES}. */
  varint(value: number): void {
    const slab = this.#slab;
    let at = this.#at;
    let rest = value;
    while (rest > 0x7f) {
      slab[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    slab[at++] = rest;
    this.#at = at;
  }

  /** A non-negative safe integer in 8 bytes. */
  integer(value: number): void {
    this.#word(value >>> 0);
    this.#word(Math.floor(value / 2 ** 32));
  }

  /** Takes as many bytes as there are. */
  bytes(bytes: Uint8Array): void {
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Appends to the frame's text. Its length is the caller's to write. */
  text(text: string): void {
    this.#joined += text;
  }

  /** How long the frame is so far, if its text is Latin-1. */
  get size(): number {
    return this.#at - this.#start + this.#joined.length;
  }

  /**
   * Returns the frame. It shares its memory with others, and must not be changed.
   *
   * @param following how many bytes of numbers the caller sends behind it, as part of the frame; there is no text then
   */
  finish(following = 0): Buffer {
    const joined = this.#joined;
    const wide = NON_LATIN1.test(joined);
    const bytes = wide ? Buffer.byteLength(joined) : joined.length;
    this.reserve(bytes);
    this.#slab.write(joined, this.#at, wide ? 'utf8' : 'latin1');
    const end = this.#at + bytes;
    this.#at = this.#start;
    this.#word(end - this.#start - LENGTH_BYTES + following);
    this.#at++; // the type is written
    this.byte(wide ? UTF8_TEXT : 0);
    this.#word(bytes);
    const frame = this.#slab.subarray(this.#start, end);
    this.#start = end;
    this.#joined = '';
    return frame;
  }

  #word(value: number): void {
    const slab = this.#slab;
    const at = this.#at;
    slab[at] = value;
    slab[at + 1] = value >>> 8;
    slab[at + 2] = value >>> 16;
    slab[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  /** Copies the written part of the frame to a new slab. */
  #move(bytes: number): void {
    const written = this.#at - this.#start;
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, 2 * written, written + bytes));
    this.#slab.copy(slab, 0, this.#start, this.#at);
    this.#slab = slab;
    this.#start = 0;
    this.#at = written;
  }
}

/** A frame of one of the types that carry nothing. */
export function encodeSignal(builder: FrameBuilder, type: FrameType): Buffer {
  builder.begin(type);
  return builder.finish();
}

export const MAX_VARINT_BYTES = 5;
export const INTEGER_BYTES = 8;

/**
 * The most bytes of a UTF-16 unit of text in UTF-8. The bytes of text that is far from a limit are not counted, because
 * counting reads the text once more.
 */
export const MAX_BYTES_PER_UNIT = 3;

/** Whether text of so many UTF-16 units may have more bytes than that, and has to be counted. */
export function mayExceed(units: number, bytes: number): boolean {
  return MAX_BYTES_PER_UNIT * units > bytes;
}

const SLAB_BYTES = 64 * 1024;
const NON_LATIN1 = /[^\x00-\xff]/;
