import { microsToMs } from '../../../clock.js';
import type { EngineJsonScanOptions } from '../../storage-engine.js';
import type { RawRecord } from '../raw-record.js';
import { ESCAPES, holdsEscapes, MAX_ESCAPED_BYTES } from './json-escapes.js';

/** Writes pairs byte for byte as `JSON.stringify` would write a `WirePair`, chunk by chunk. */
export class JsonWriter {
  #chunk = Buffer.alloc(0);
  /** The same memory. */
  #view = new DataView(this.#chunk.buffer);
  #length = 0;
  readonly #keyHeads: Heads;
  readonly #meta: boolean;
  readonly #values: boolean;

  constructor({ meta, values = true, format }: EngineJsonScanOptions) {
    this.#meta = meta;
    this.#values = values;
    this.#keyHeads = heads(`${format === 'items' ? ',' : ''}{"key":`);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  get isFull(): boolean {
    return this.#length >= CHUNK_BYTES;
  }

  /** Returns the chunk, whose memory is the caller's. The next chunk gets its own. */
  flush(): Uint8Array {
    const chunk = this.#chunk.subarray(0, this.#length);
    this.#length = 0;
    return chunk;
  }

  /** Returns whether one step writes all of a pair. Its key is then completely in the head of its record. */
  isSmall(record: RawRecord): boolean {
    return this.endOf(record) - record.keyStart <= STEP_BYTES;
  }

  /** Returns the end of the bytes that are written: those of the value, or of the key if values are not wanted. */
  endOf({ valueStart, end }: RawRecord): number {
    return this.#values ? end : valueStart;
  }

  /**
   * Writes one step of a pair. The chunk must not be full.
   * @param from where the step begins: the start of the key, or the end of the step before
   * @returns where the step ends; {@link endOf} the record if the pair is complete
   */
  write(record: RawRecord, from: number, nowMicros: number): number {
    const { keyStart, valueStart, keyIsBinary, valueIsBinary } = record;
    const end = this.endOf(record);
    const to = Math.min(end, from + STEP_BYTES);
    if (this.isEmpty) this.#begin();
    if (from === keyStart) this.#json(this.#keyHeads[keyIsBinary ? 1 : 0]);
    if (from < valueStart) {
      this.#data(record, from, Math.min(to, valueStart), keyIsBinary);
      if (this.#values && to >= valueStart) this.#json(VALUE_HEADS[valueIsBinary ? 1 : 0]);
    }
    if (to > valueStart) this.#data(record, Math.max(from, valueStart), to, valueIsBinary);
    if (to === end) this.#finish(record, nowMicros);
    return to;
  }

  #begin(): void {
    this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES + MAX_STEP_TEXT_BYTES);
    this.#view = new DataView(this.#chunk.buffer);
  }

  #finish({ version, expiresAtMs }: RawRecord, nowMicros: number): void {
    if (!this.#meta) return this.#json(TAIL);
    const ttl = expiresAtMs === undefined ? '' : `,"ttl_ms":${expiresAtMs - microsToMs(nowMicros)}`;
    this.#length += this.#chunk.write(`"},"version":${version}${ttl}}\n`, this.#length, 'latin1');
  }

  /** Writes text that is JSON already. */
  #json(text: Buffer): void {
    this.#chunk.set(text, this.#length);
    this.#length += text.length;
  }

  /** Writes the inside of a string. */
  #data(record: RawRecord, start: number, end: number, isBinary: boolean): void {
    if (!isBinary) return this.#text(record, start, end);
    for (let from = start; from < end; from++, this.#length += 2)
      this.#view.setUint16(this.#length, HEX_DIGITS[record.bytes[from] ?? 0] ?? 0);
  }

  /**
   * Writes UTF-8, which may begin and end within a character, because only ASCII is escaped. Copying four bytes at once
   * takes less time than copying single bytes or decoding strings.
   */
  #text({ bytes, view }: RawRecord, start: number, end: number): void {
    let at = this.#length;
    for (let from = start; from < end;) {
      // 0 stands for less than four bytes, because zeros have escapes.
      const four = from + 4 <= end ? view.getUint32(from, true) : 0;
      if (holdsEscapes(four)) {
        at = this.#byte(at, bytes[from] ?? 0);
        from += 1;
      } else {
        this.#view.setUint32(at, four, true);
        at += 4;
        from += 4;
      }
    }
    this.#length = at;
  }

  /** Writes a byte of text at a position; returns the next position. */
  #byte(at: number, byte: number): number {
    const escape = ESCAPES[byte];
    if (escape === undefined) {
      this.#chunk[at] = byte;
      return at + 1;
    }
    for (let i = 0; i < escape.length; i++) this.#chunk[at + i] = escape[i] ?? 0;
    return at + escape.length;
  }
}

type Heads = readonly [text: Buffer, binary: Buffer];

function heads(before: string): Heads {
  return [
    Buffer.from(`${before}{"encoding":"string","data":"`),
    Buffer.from(`${before}{"encoding":"binary","data":"`),
  ];
}

/** By byte: its two hexadecimal digits in ASCII. */
const HEX_DIGITS = Uint16Array.from({ length: 256 }, (_, byte) =>
  Buffer.from(byte.toString(16).padStart(2, '0')).readUInt16BE(),
);

const VALUE_HEADS = heads('"},"value":');
const TAIL = Buffer.from('"}}\n');

/** A chunk is full with this many bytes: with a few pairs more, it still fits one read of a socket, which is 64 KiB. */
const CHUNK_BYTES = 60 * 1024;

/** How many bytes of key and value one step writes. */
const STEP_BYTES = 2700;

/** Room for the text of a step, however it is escaped, and for the text around key and value. */
const MAX_STEP_TEXT_BYTES = MAX_ESCAPED_BYTES * STEP_BYTES + 256;
