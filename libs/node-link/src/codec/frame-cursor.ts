import { isUtf8, type Buffer } from 'node:buffer';
import { allowFlags, LinkProtocolError } from './frame.js';

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

function short(): never {
  throw new LinkProtocolError('the frame has fewer numbers than it should');
}
