import { microsToMs } from '../../../clock.js';
import type { EngineJsonScanOptions } from '../../storage-engine.js';
import type { RawRecord } from '../raw-record.js';
import { MAX_ESCAPED_BYTES } from './json-escapes.js';
import type { JsonWriter, WordSource } from './json-writer.js';
import { FixedText, MAX_WRITE_BYTES } from './json-writer.js';

/** Writes pairs byte for byte as `JSON.stringify` would write a `WirePair`. */
export class PairTexts {
  readonly #keyHeads: readonly [text: FixedText, binary: FixedText];
  readonly #tail: FixedText;
  readonly #end: FixedText;

  readonly #writer: JsonWriter;
  readonly #meta: boolean;
  readonly #values: boolean;

  constructor(writer: JsonWriter, { meta, values = true, format }: EngineJsonScanOptions) {
    this.#writer = writer;
    this.#meta = meta;
    this.#values = values;
    const before = format === 'items' ? ',' : '';
    this.#keyHeads = [
      new FixedText(`${before}{"key":{"encoding":"string","data":"`),
      new FixedText(`${before}{"key":{"encoding":"binary","data":"`),
    ];
    this.#tail = new FixedText('"}}\n');
    this.#end = new FixedText('}\n');
  }

  /** Returns whether a pair can be written at once. Its key is then completely in the head of its record. */
  isSmall({ keyStart, valueStart, end }: RawRecord): boolean {
    return (this.#values ? end : valueStart) - keyStart <= SMALL_PAIR_BYTES;
  }

  /** Writes a small pair at once. */
  writeSmall(record: RawRecord, nowMicros: number): void {
    const { keyStart, valueStart, end, keyIsBinary, valueIsBinary } = record;
    this.#beginKey(keyIsBinary);
    this.#data(record, keyStart, valueStart, keyIsBinary);
    if (this.#values) {
      this.#beginValue(valueIsBinary);
      this.#data(record, valueStart, end, valueIsBinary);
    }
    this.#finish(record, nowMicros);
  }

  /**
   * Writes a pair of any size in steps. After each step, the caller can flush a full chunk. The record must not
   * change.
   */
  *writeLarge(record: RawRecord, nowMicros: number): Generator<void, void, undefined> {
    const { keyStart, valueStart, end, keyIsBinary, valueIsBinary } = record;
    this.#beginKey(keyIsBinary);
    yield* this.#slices(record, keyStart, valueStart, keyIsBinary);
    if (this.#values) {
      this.#beginValue(valueIsBinary);
      yield* this.#slices(record, valueStart, end, valueIsBinary);
    }
    this.#finish(record, nowMicros);
    yield;
  }

  *#slices(source: WordSource, start: number, end: number, isBinary: boolean) {
    for (let from = start; from < end; from += SMALL_PAIR_BYTES) {
      this.#data(source, from, Math.min(end, from + SMALL_PAIR_BYTES), isBinary);
      yield;
    }
  }

  #beginKey(isBinary: boolean): void {
    this.#writer.raw(this.#keyHeads[isBinary ? 1 : 0]);
  }

  #beginValue(isBinary: boolean): void {
    this.#writer.raw(isBinary ? BINARY_VALUE_HEAD : TEXT_VALUE_HEAD);
  }

  #data(source: WordSource, start: number, end: number, isBinary: boolean): void {
    if (isBinary) this.#writer.hex(source, start, end);
    else this.#writer.text(source, start, end);
  }

  #finish({ version, expiresAtMs }: RawRecord, nowMicros: number): void {
    if (!this.#meta) return this.#writer.raw(this.#tail);
    this.#writer.raw(VERSION);
    this.#writer.integer(version);
    if (expiresAtMs !== undefined) {
      this.#writer.raw(TTL);
      this.#writer.integer(expiresAtMs - microsToMs(nowMicros));
    }
    this.#writer.raw(this.#end);
  }
}

/** So many bytes always fit, however they are escaped. */
const SMALL_PAIR_BYTES = Math.floor((MAX_WRITE_BYTES - 256) / MAX_ESCAPED_BYTES);

const TEXT_VALUE_HEAD = new FixedText('"},"value":{"encoding":"string","data":"');
const BINARY_VALUE_HEAD = new FixedText('"},"value":{"encoding":"binary","data":"');
const VERSION = new FixedText('"},"version":');
const TTL = new FixedText(',"ttl_ms":');
