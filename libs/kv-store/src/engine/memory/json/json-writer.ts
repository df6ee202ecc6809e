import { escapeByte, holdsEscapes, isEscaped } from './json-escapes.js';

/**
 * Writes JSON text as UTF-8 bytes, chunk by chunk, escaped as `JSON.stringify` does. Check {@link isFull} at least
 * once every {@link MAX_WRITE_BYTES}.
 *
 * It copies words, because copying single bytes would take most of the time of a scan. Each word is written over the
 * end of the one before, so bytes beyond the end of a text do no harm.
 */
export class JsonWriter {
  #bytes = NOTHING;
  #view = NO_VIEW;
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES;
  }

  /** Returns the chunk, whose memory is the caller's. The next chunk gets its own. */
  flush(): Uint8Array {
    const chunk = this.#bytes.subarray(0, this.#length);
    this.#bytes = NOTHING;
    this.#length = 0;
    return chunk;
  }

  /** Writes text that is JSON already. */
  raw({ doubles, length }: FixedText): void {
    if (this.#bytes === NOTHING) this.#begin();
    const view = this.#view;
    let at = this.#length;
    for (const double of doubles) {
      view.setFloat64(at, double, IS_LITTLE_ENDIAN);
      at += 8;
    }
    this.#length += length;
  }

  /** Writes the inside of a string from UTF-8, whole or in parts that may end anywhere. */
  text(source: WordSource, start: number, end: number): void {
    if (this.#bytes === NOTHING) this.#begin();
    const from = IS_LITTLE_ENDIAN ? this.#textByWords(source.words, start, end) : start;
    const out = this.#bytes;
    let at = this.#length;
    for (let i = from; i < end; i++) {
      const byte = source.bytes[i] ?? 0;
      if (isEscaped(byte)) at = escapeByte(out, at, byte);
      else out[at++] = byte;
    }
    this.#length = at;
  }

  /** Writes bytes as the inside of a string of hexadecimal digits. */
  hex({ bytes }: WordSource, start: number, end: number): void {
    if (this.#bytes === NOTHING) this.#begin();
    const view = this.#view;
    let at = this.#length;
    for (let i = start; i < end; i++) {
      view.setUint16(at, HEX_PAIRS[bytes[i] ?? 0] ?? 0);
      at += 2;
    }
    this.#length = at;
  }

  /** @param value a safe integer, 0 or more */
  integer(value: number): void {
    if (this.#bytes === NOTHING) this.#begin();
    const high = Math.floor(value / LOW_PART);
    if (high > 0) this.#digits(high, 1);
    this.#digits(value - high * LOW_PART, high > 0 ? LOW_DIGITS : 1);
  }

  /** Writes as many whole words as there are; returns the position of the rest. */
  #textByWords(words: Uint32Array, start: number, end: number): number {
    const view = this.#view;
    let at = this.#length;
    let from = start;
    const shift = (start & 3) * 8;
    let word = words[start >>> 2] ?? 0;
    for (; from + 4 <= end; from += 4) {
      const next = words[(from >>> 2) + 1] ?? 0;
      const four = shift === 0 ? word | 0 : (word >>> shift) | (next << (32 - shift));
      word = next;
      if (holdsEscapes(four)) {
        for (let i = 0; i < 32; i += 8) {
          const byte = (four >>> i) & 0xff;
          if (isEscaped(byte)) at = escapeByte(this.#bytes, at, byte);
          else this.#bytes[at++] = byte;
        }
      } else {
        view.setUint32(at, four, true);
        at += 4;
      }
    }
    this.#length = at;
    return from;
  }

  #digits(value: number, least: number): void {
    let count = least;
    for (let bound = 10 ** least; value >= bound; bound *= 10) count += 1;
    let left = value;
    for (let at = this.#length + count - 1; at >= this.#length; at--) {
      this.#bytes[at] = ZERO + (left % 10);
      left = Math.floor(left / 10);
    }
    this.#length += count;
  }

  #begin(): void {
    this.#bytes = Buffer.allocUnsafeSlow(CHUNK_BYTES + MAX_WRITE_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** The same bytes twice. The words start where the bytes start. */
export interface WordSource {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
}

/** ASCII, padded to whole doubles. Doubles made of ASCII are never NaN, so copying does not change them. */
export class FixedText {
  readonly doubles: readonly number[];
  readonly length: number;

  constructor(text: string) {
    this.length = text.length;
    const bytes = Buffer.alloc(Math.ceil(text.length / 8) * 8);
    bytes.write(text, 'latin1');
    this.doubles = Array.from({ length: bytes.length / 8 }, (_, i) =>
      IS_LITTLE_ENDIAN ? bytes.readDoubleLE(8 * i) : bytes.readDoubleBE(8 * i),
    );
  }
}

/** A chunk is full with this many bytes: with a few pairs more, it still fits one read of a socket, which is 64 KiB. */
const CHUNK_BYTES = 60 * 1024;

/** How many bytes may be written between two checks of whether a chunk is full. */
export const MAX_WRITE_BYTES = 16 * 1024;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
const NOTHING = new Uint8Array(0);
const NO_VIEW = new DataView(NOTHING.buffer);

const LOW_DIGITS = 8;
const LOW_PART = 10 ** LOW_DIGITS;
const ZERO = '0'.charCodeAt(0);

/** By byte: its two hexadecimal digits, the first in the high half. */
const HEX_PAIRS = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16BE(),
);
