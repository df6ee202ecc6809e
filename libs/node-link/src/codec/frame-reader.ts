import { Buffer, isUtf8 } from 'node:buffer';
import {
  allowFlags,
  FRAME_HEADER_BYTES,
  isFrameType,
  LENGTH_BYTES,
  UTF8_TEXT,
  type FrameType,
  LinkProtocolError,
} from './frame.js';

/** Takes a complete frame. */
export type FrameHandler = (type: FrameType, cursor: FrameCursor) => void;

/** Cuts a stream of bytes into frames. Memory is at most a few times the received bytes of a frame. */
export class FrameReader {
  /** The received bytes of the next frame, and room for more. */
  #frame: Buffer = NOTHING;
  #held = 0;

  readonly #maxFrameBytes: number;
  readonly #handle: FrameHandler;

  /** @param maxFrameBytes the largest frame that the reader takes, including its header */
  constructor(maxFrameBytes: number, handle: FrameHandler) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#handle = handle;
  }

  /** How much memory the incomplete frame takes, in bytes; 0 between frames. */
  get heldBytes(): number {
    return this.#frame.length;
  }

  /**
   * Passes each complete frame to the handler, in order.
   *
   * @throws LinkProtocolError for an invalid or too large frame; and the errors of the handler
   */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#held > 0) {
      this.#append(chunk);
      if (this.#held < this.#wanted()) return;
      bytes = this.#frame.subarray(0, this.#held);
      this.#frame = NOTHING;
      this.#held = 0;
    }
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left < LENGTH_BYTES) break;
      const size = this.#sizeAt(bytes, at);
      if (left < size) break;
      this.#handleFrame(bytes, at, at + size);
      at += size;
    }
    const rest = bytes.length - at;
    if (rest > 0) this.#frame = endOf(chunk, rest);
    this.#held = rest;
  }

  /** How many bytes of the frame must have come before the reader can go on. */
  #wanted(): number {
    return this.#held < LENGTH_BYTES ? LENGTH_BYTES : this.#sizeAt(this.#frame, 0);
  }

  #append(more: Buffer): void {
    const held = this.#held + more.length;
    if (held > this.#frame.length) {
      const ahead = Math.min(this.#wanted(), Math.max(2 * held, ROOM_BYTES));
      const grown = Buffer.allocUnsafeSlow(Math.max(held, ahead));
      this.#frame.copy(grown, 0, 0, this.#held);
      this.#frame = grown;
    }
    more.copy(this.#frame, this.#held);
    this.#held = held;
  }

  #sizeAt(bytes: Buffer, at: number): number {
    const size = LENGTH_BYTES + bytes.readUInt32LE(at);
    if (size < FRAME_HEADER_BYTES) throw new LinkProtocolError('a frame is shorter than its header');
    if (size > this.#maxFrameBytes) {
      throw new LinkProtocolError(`a frame of ${size} bytes is beyond the limit of ${this.#maxFrameBytes}`);
    }
    return size;
  }

  #handleFrame(bytes: Buffer, start: number, end: number): void {
    const type = bytes.readUInt8(start + LENGTH_BYTES);
    const flags = bytes.readUInt8(start + LENGTH_BYTES + 1);
    const numbers = start + FRAME_HEADER_BYTES;
    const text = end - bytes.readUInt32LE(start + LENGTH_BYTES + 2);
    if (!isFrameType(type)) throw new LinkProtocolError(`there is no frame of type ${type}`);
    if (flags > UTF8_TEXT) throw new LinkProtocolError('a frame has flags that are not known');
    if (text < numbers) throw new LinkProtocolError('a frame says that it has more text than it is long');
    this.#handle(type, new FrameCursor(bytes, numbers, text, end, flags === UTF8_TEXT));
  }
}

/** Reads a frame's numbers and text from the front, and never past their ends. */
export class FrameCursor {
  /** Whether the text may hold more than Latin-1, and so a lone surrogate where it is cut in the wrong place. */
  readonly wide: boolean;
  readonly #joined: string;
  #textAt = 0;

  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  /**
   * @param at where the numbers begin
   * @param end where they end and the text begins
   * @throws LinkProtocolError if the text is not in the encoding that the frame says
   */
  constructor(bytes: Buffer, at: number, end: number, textEnd: number, wide: boolean) {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;

    this.wide = wide;
    if (wide && !isUtf8(bytes.subarray(end, textEnd))) throw new LinkProtocolError('the text is not UTF-8');
    this.#joined = bytes.toString(wide ? 'utf8' : 'latin1', end, textEnd);
  }

  /** How much text the frame has, in UTF-16 units. */
  get units(): number {
    return this.#joined.length;
  }

  get hasNumbers(): boolean {
    return this.#at < this.#end;
  }

  /** How many entries of `bytesEach` bytes can follow at most. */
  room(bytesEach: number): number {
    return (this.#end - this.#at) / bytesEach;
  }

  byte(): number {
    const value = this.#at < this.#end ? this.#bytes[this.#at++] : undefined;
    return value ?? short();
  }

  /** A byte of flags, of which only those in `known` may be set. */
  flags(known: number): number {
    const flags = this.byte();
    allowFlags(flags, known);
    return flags;
  }

  /** The next bytes as they are, in the memory of the frame. */
  bytes(count: number): Buffer {
    const from = this.#at;
    if (from + count > this.#end) short();
    this.#at = from + count;
    return this.#bytes.subarray(from, this.#at);
  }

  /** All bytes that are left before the text, in the memory of the frame. */
  rest(): Buffer {
    return this.bytes(this.#end - this.#at);
  }

  varint(): number {
    let value = this.byte();
    if (value < 0x80) return value;
    value &= 0x7f;
    for (let shift = 7; shift < 32; shift += 7) {
      const next = this.byte();
      if (shift === 28 && next > 0x0f) break;
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value >>> 0;
    }
    throw new LinkProtocolError('a number has more than 32 bits');
  }

  /** An integer. Beyond 2⁵³ it is inexact, so the caller checks its range. */
  integer(): number {
    const low = this.#word();
    return this.#word() * 2 ** 32 + low;
  }

  /** The next so many units of text. */
  text(units: number): string {
    const from = this.#textAt;
    const to = from + units;
    if (to > this.#joined.length) throw new LinkProtocolError('the frame has less text than it says');
    this.#textAt = to;
    return this.#joined.substring(from, to);
  }

  /** @throws LinkProtocolError if something was not read */
  finish(): void {
    if (this.#at !== this.#end) throw new LinkProtocolError('the frame has more numbers than it should');
    if (this.#textAt !== this.#joined.length)
      throw new LinkProtocolError('the frame has more text than it says');
  }

  #word(): number {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 4 > this.#end) short();
    this.#at = at + 4;
    const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }
}

/**
 * Returns the last bytes of a chunk. A view keeps all memory of the chunk alive, so the function copies an end that is
 * much shorter.
 */
function endOf(chunk: Buffer, length: number): Buffer {
  const end = chunk.subarray(chunk.length - length);
  if (2 * length >= chunk.buffer.byteLength) return end;
  const copy = Buffer.allocUnsafeSlow(length);
  end.copy(copy);
  return copy;
}

function short(): never {
  throw new LinkProtocolError('the frame has fewer numbers than it should');
}

const NOTHING = Buffer.alloc(0);

/** A frame up to this size gets all of its memory at once. Most frames are shorter. */
const ROOM_BYTES = 256 * 1024;
