import type { EncodedData, KeyId, Value } from '@kvs/protocol';
import { brandKey, brandValue, keyId } from '@kvs/protocol';
import type { EnginePair } from '../storage-engine.js';
import type { KeyScratch } from './key-scratch.js';
import type { Page } from './slab/page.js';
import type { SlabArena } from './slab/slab-arena.js';

/**
 * Pairs as they lie in the arena's slots, nothing parsed and nothing twice:
 *
 *     word 0    the next record of the same bucket
 *          1    the key's hash
 *          2–3  the version, a double
 *          4    length of the key, in bytes; 0 marks a free slot
 *          5    length of the value
 *          6    the partition (high half), flags (low half)
 *         [7–8  its neighbours in the order of eviction: older, newer]
 *         [     when it expires, in milliseconds, perhaps before 1970: high word, low word]
 *     then      the key's bytes, the value's bytes
 *
 * What is in brackets takes room only where it is needed. Text is kept as UTF-8, `binary` as its bytes.
 */
export class Records {
  readonly #headerWords: number;

  constructor(
    private readonly arena: SlabArena,
    hasNeighbours: boolean,
  ) {
    this.#headerWords = hasNeighbours ? NEWER + 1 : FLAGS + 1;
  }

  /** How many bytes a record takes, its value so many of them. */
  size(key: KeyScratch, valueBytes: number, expiresAtMs: number | undefined): number {
    return this.#payload(expiresAtMs !== undefined) + key.length + valueBytes;
  }

  /** Writes all but the links of the record. */
  fill(
    ref: number,
    key: KeyScratch,
    partition: number,
    value: Value,
    valueBytes: number,
    version: number,
    expiresAtMs: number | undefined,
  ): void {
    const page = this.arena.page(ref);
    const start = this.arena.start(ref);
    const { words, bytes } = page;
    const at = start / 4;
    const isAscii = value.encoding === 'string' && valueBytes === value.data.length;
    words[at + HASH] = key.hash;
    page.doubles[start / 8 + VERSION] = version;
    words[at + KEY_LENGTH] = key.length;
    words[at + VALUE_LENGTH] = valueBytes;
    words[at + FLAGS] =
      (partition << 16) |
      (key.isBinary ? KEY_BINARY : 0) |
      (key.isAscii ? KEY_ASCII : 0) |
      (value.encoding === 'binary' ? VALUE_BINARY : 0) |
      (isAscii ? VALUE_ASCII : 0) |
      (expiresAtMs === undefined ? 0 : EXPIRES);
    if (expiresAtMs !== undefined) {
      words[at + this.#headerWords] = Math.floor(expiresAtMs / 2 ** 32);
      words[at + this.#headerWords + 1] = expiresAtMs;
    }
    const keyStart = start + this.#payload(expiresAtMs !== undefined);
    for (let i = 0; i < key.length; i++) bytes[keyStart + i] = key.bytes[i] ?? 0;
    bytes.write(
      value.data,
      keyStart + key.length,
      valueBytes,
      ENCODINGS[formOf(value.encoding === 'binary', isAscii)],
    );
  }

  next(ref: number): number {
    return this.#word(ref, NEXT);
  }

  setNext(ref: number, next: number): void {
    this.#setWord(ref, NEXT, next);
  }

  hash(ref: number): number {
    return this.#word(ref, HASH);
  }

  older(ref: number): number {
    return this.#word(ref, OLDER);
  }

  newer(ref: number): number {
    return this.#word(ref, NEWER);
  }

  setOlder(ref: number, older: number): void {
    this.#setWord(ref, OLDER, older);
  }

  setNewer(ref: number, newer: number): void {
    this.#setWord(ref, NEWER, newer);
  }

  isVisited(ref: number): boolean {
    return (this.#word(ref, FLAGS) & VISITED) !== 0;
  }

  setVisited(ref: number, visited: boolean): void {
    const flags = this.#word(ref, FLAGS);
    this.#setWord(ref, FLAGS, visited ? flags | VISITED : flags & ~VISITED);
  }

  partition(ref: number): number {
    return this.#word(ref, FLAGS) >>> 16;
  }

  version(ref: number): number {
    return this.arena.page(ref).doubles[this.arena.start(ref) / 8 + VERSION] ?? 0;
  }

  expiresAtMs(ref: number): number | undefined {
    const { words } = this.arena.page(ref);
    const at = this.arena.start(ref) / 4;
    if (((words[at + FLAGS] ?? 0) & EXPIRES) === 0) return undefined;
    const high = (words[at + this.#headerWords] ?? 0) | 0;
    return high * 2 ** 32 + (words[at + this.#headerWords + 1] ?? 0);
  }

  /** Whether the record is this key's. */
  matches(ref: number, key: KeyScratch): boolean {
    const { words, bytes } = this.arena.page(ref);
    const start = this.arena.start(ref);
    const at = start / 4;
    const flags = words[at + FLAGS] ?? 0;
    if (words[at + HASH] !== key.hash || words[at + KEY_LENGTH] !== key.length) return false;
    if (((flags & KEY_BINARY) !== 0) !== key.isBinary) return false;
    const keyStart = start + this.#payload((flags & EXPIRES) !== 0);
    for (let i = 0; i < key.length; i++) if (bytes[keyStart + i] !== key.bytes[i]) return false;
    return true;
  }

  id(ref: number): KeyId {
    const { page, flags, keyStart, valueStart } = this.#locate(ref);
    const isBinary = (flags & KEY_BINARY) !== 0;
    return keyId(brandKey(decoded(page.bytes, keyStart, valueStart, isBinary, (flags & KEY_ASCII) !== 0)));
  }

  value(ref: number): Value {
    const { page, flags, valueStart, end } = this.#locate(ref);
    const isBinary = (flags & VALUE_BINARY) !== 0;
    return brandValue(decoded(page.bytes, valueStart, end, isBinary, (flags & VALUE_ASCII) !== 0));
  }

  pair(ref: number, id: KeyId): EnginePair {
    return { id, value: this.value(ref), version: this.version(ref), expiresAtMs: this.expiresAtMs(ref) };
  }

  /** Where the record's key and value lie, one after the other: valid until the next change. */
  raw(ref: number): RawRecord {
    return this.rawInto(ref, emptyRecord());
  }

  /** As {@link raw}, in an object that is used again. */
  rawInto(ref: number, record: RawRecord): RawRecord {
    const page = this.arena.page(ref);
    const { words } = page;
    const start = this.arena.start(ref);
    const at = start / 4;
    const flags = words[at + FLAGS] ?? 0;
    const expires = (flags & EXPIRES) !== 0;
    record.bytes = page.bytes;
    record.words = words;
    record.keyStart = start + this.#payload(expires);
    record.valueStart = record.keyStart + (words[at + KEY_LENGTH] ?? 0);
    record.end = record.valueStart + (words[at + VALUE_LENGTH] ?? 0);
    record.keyIsBinary = (flags & KEY_BINARY) !== 0;
    record.valueIsBinary = (flags & VALUE_BINARY) !== 0;
    record.version = page.doubles[start / 8 + VERSION] ?? 0;
    record.expiresAtMs = expires ? this.expiresAtMs(ref) : undefined;
    return record;
  }

  #locate(ref: number): RecordPlace {
    const page = this.arena.page(ref);
    const start = this.arena.start(ref);
    const at = start / 4;
    const flags = page.words[at + FLAGS] ?? 0;
    const keyStart = start + this.#payload((flags & EXPIRES) !== 0);
    const valueStart = keyStart + (page.words[at + KEY_LENGTH] ?? 0);
    return { page, flags, keyStart, valueStart, end: valueStart + (page.words[at + VALUE_LENGTH] ?? 0) };
  }

  #payload(expires: boolean): number {
    return 4 * (this.#headerWords + (expires ? 2 : 0));
  }

  #word(ref: number, word: number): number {
    return this.arena.page(ref).words[this.arena.start(ref) / 4 + word] ?? 0;
  }

  #setWord(ref: number, word: number, to: number): void {
    this.arena.page(ref).words[this.arena.start(ref) / 4 + word] = to;
  }
}

export interface RawRecord {
  bytes: Buffer;
  /** The same memory. */
  words: Uint32Array;
  keyStart: number;
  valueStart: number;
  end: number;
  keyIsBinary: boolean;
  valueIsBinary: boolean;
  version: number;
  expiresAtMs: number | undefined;
}

export function emptyRecord(): RawRecord {
  return {
    bytes: NO_BYTES,
    words: NO_WORDS,
    keyStart: 0,
    valueStart: 0,
    end: 0,
    keyIsBinary: false,
    valueIsBinary: false,
    version: 0,
    expiresAtMs: undefined,
  };
}

const NO_BYTES = Buffer.alloc(0);
const NO_WORDS = new Uint32Array(0);

interface RecordPlace {
  readonly page: Page;
  readonly flags: number;
  readonly keyStart: number;
  readonly valueStart: number;
  readonly end: number;
}

const NEXT = 0;
const HASH = 1;
const VERSION = 1; // in doubles
const KEY_LENGTH = 4;
const VALUE_LENGTH = 5;
const FLAGS = 6;
const OLDER = 7;
const NEWER = 8;

const KEY_BINARY = 1;
const KEY_ASCII = 2;
const VALUE_BINARY = 4;
const VALUE_ASCII = 8;
const EXPIRES = 16;
const VISITED = 32;

/** ASCII is both UTF-8 and Latin-1, and Latin-1 is the faster to read and write. */
const ENCODINGS = { hex: 'hex', ascii: 'latin1', text: 'utf8' } as const;

function formOf(isBinary: boolean, isAscii: boolean): keyof typeof ENCODINGS {
  if (isBinary) return 'hex';
  return isAscii ? 'ascii' : 'text';
}

/** The key or value that bytes stand for. Only what is known to be ASCII may be said to be. */
export function decoded(
  bytes: Buffer,
  start: number,
  end: number,
  isBinary: boolean,
  isAscii: boolean,
): EncodedData {
  const data = bytes.toString(ENCODINGS[formOf(isBinary, isAscii)], start, end);
  return { encoding: isBinary ? 'binary' : 'string', data };
}

/** How many bytes a value takes: what `byteLength` of the protocol says, counted by Node, which it does without. */
export function valueBytesOf({ encoding, data }: Value): number {
  return encoding === 'binary' ? data.length / 2 : Buffer.byteLength(data);
}
