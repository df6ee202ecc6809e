import { brandKey, brandValue, keyId, type KeyId, type Value } from '@kvs/protocol';
import type { EnginePair } from '../engine-data.js';
import type { KeyBuffer } from './key-buffer.js';
import { emptyRecord, MAX_KEY_IN_HEAD_BYTES, type RawRecord } from './raw-record.js';
import { dataEncoding, decoded, type DataEncoding } from './record-data.js';
import type { Page } from './slab/page.js';
import { ChunkCursor } from './slab/chunk-cursor.js';
import { ChunkChain } from './slab/chunk-chain.js';
import { MAX_SLOT_BYTES } from './slab/size-classes.js';
import type { SlabArena } from './slab/slab-arena.js';
import { ChunkedData } from './chunked-data.js';

/**
 * Pairs as bytes in the arena's slots:
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
 * Words in brackets are only there if they are needed. Text is kept as UTF-8, `binary` as its bytes. A record that is
 * larger than any slot starts like this in its head and continues in the chunks of a {@link ChunkChain}.
 */
export class Records {
  readonly chunks: ChunkChain;
  readonly #headerWords: number;
  readonly #chunkedData = new ChunkedData();

  readonly #arena: SlabArena;

  constructor(arena: SlabArena, hasNeighbours: boolean) {
    this.#arena = arena;
    this.chunks = new ChunkChain(arena);
    this.#headerWords = hasNeighbours ? NEWER + 1 : FLAGS + 1;
  }

  /** Returns how many bytes a record has, including its header. */
  size(key: KeyBuffer, valueBytes: number, expiresAtMs: number | undefined): number {
    return this.#headerBytes(expiresAtMs !== undefined) + key.length + valueBytes;
  }

  /** Writes all of a record except its links. A large record already has its chunks. */
  fill(
    ref: number,
    key: KeyBuffer,
    partition: number,
    value: Value,
    valueBytes: number,
    version: number,
    expiresAtMs: number | undefined,
  ): void {
    const page = this.#arena.page(ref);
    const start = this.#arena.start(ref);
    const { words, bytes } = page;
    const at = start / 4;
    const isAscii = value.encoding === 'string' && valueBytes === value.data.length;
    const headerBytes = this.#headerBytes(expiresAtMs !== undefined);
    const isLarge = headerBytes + key.length + valueBytes > MAX_SLOT_BYTES;
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
      (expiresAtMs === undefined ? 0 : EXPIRES) |
      (isLarge ? LARGE : 0);
    if (expiresAtMs !== undefined) {
      words[at + this.#headerWords] = Math.floor(expiresAtMs / 2 ** 32);
      words[at + this.#headerWords + 1] = expiresAtMs;
    }
    const encoding = dataEncoding(value.encoding === 'binary', isAscii);
    if (isLarge) return this.#fillLarge(ref, headerBytes, key, value, encoding);
    const keyStart = start + headerBytes;
    for (let i = 0; i < key.length; i++) bytes[keyStart + i] = key.bytes[i] ?? 0;
    bytes.write(value.data, keyStart + key.length, valueBytes, encoding);
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

  /** Whether the record has chunks. */
  isLarge(ref: number): boolean {
    return (this.#word(ref, FLAGS) & LARGE) !== 0;
  }

  /** Returns about how many slots the record has. */
  slotCount(ref: number): number {
    return Math.ceil((this.#locate(ref).end - this.#arena.start(ref)) / MAX_SLOT_BYTES);
  }

  partition(ref: number): number {
    return this.#word(ref, FLAGS) >>> 16;
  }

  version(ref: number): number {
    return this.#arena.page(ref).doubles[this.#arena.start(ref) / 8 + VERSION] ?? 0;
  }

  expiresAtMs(ref: number): number | undefined {
    const { words } = this.#arena.page(ref);
    const at = this.#arena.start(ref) / 4;
    if (((words[at + FLAGS] ?? 0) & EXPIRES) === 0) return undefined;
    const high = (words[at + this.#headerWords] ?? 0) | 0;
    return high * 2 ** 32 + (words[at + this.#headerWords + 1] ?? 0);
  }

  /**
   * Returns the record of a key, 0 if it is absent.
   * @param first the first record of the key's bucket, 0 if the bucket is empty
   */
  find(first: number, key: KeyBuffer): number {
    let ref = first;
    while (ref !== 0 && !this.matches(ref, key)) ref = this.next(ref);
    return ref;
  }

  /** Returns whether the record has this key. */
  matches(ref: number, key: KeyBuffer): boolean {
    const { words, bytes } = this.#arena.page(ref);
    const start = this.#arena.start(ref);
    const at = start / 4;
    const flags = words[at + FLAGS] ?? 0;
    if (words[at + HASH] !== key.hash || words[at + KEY_LENGTH] !== key.length) return false;
    if (((flags & KEY_BINARY) !== 0) !== key.isBinary) return false;
    if (key.length > MAX_KEY_IN_HEAD_BYTES)
      return this.#longKey(ref).equals(key.bytes.subarray(0, key.length));
    const keyStart = start + this.#headerBytes((flags & EXPIRES) !== 0);
    for (let i = 0; i < key.length; i++) if (bytes[keyStart + i] !== key.bytes[i]) return false;
    return true;
  }

  id(ref: number): KeyId {
    const { page, flags, keyStart, valueStart } = this.#locate(ref);
    const isBinary = (flags & KEY_BINARY) !== 0;
    const isAscii = (flags & KEY_ASCII) !== 0;
    const length = valueStart - keyStart;
    if (length > MAX_KEY_IN_HEAD_BYTES)
      return keyId(brandKey(decoded(this.#longKey(ref), 0, length, isBinary, isAscii)));
    return keyId(brandKey(decoded(page.bytes, keyStart, valueStart, isBinary, isAscii)));
  }

  value(ref: number): Value {
    const { page, flags, keyStart, valueStart, end } = this.#locate(ref);
    const isBinary = (flags & VALUE_BINARY) !== 0;
    const isAscii = (flags & VALUE_ASCII) !== 0;
    if ((flags & LARGE) === 0) return brandValue(decoded(page.bytes, valueStart, end, isBinary, isAscii));
    const cursor = this.#cursor(ref);
    cursor.skip(valueStart - keyStart);
    const data = this.#chunkedData.read(cursor, end - valueStart, dataEncoding(isBinary, isAscii));
    return brandValue({ encoding: isBinary ? 'binary' : 'string', data });
  }

  pair(ref: number, id: KeyId): EnginePair {
    return { id, value: this.value(ref), version: this.version(ref), expiresAtMs: this.expiresAtMs(ref) };
  }

  /** Returns where the record's key and value are, valid until the next change. */
  raw(ref: number): RawRecord {
    return this.rawInto(ref, emptyRecord());
  }

  /** As {@link raw}, in an object that the caller reuses. */
  rawInto(ref: number, record: RawRecord): RawRecord {
    const page = this.#arena.page(ref);
    const { words } = page;
    const start = this.#arena.start(ref);
    const at = start / 4;
    const flags = words[at + FLAGS] ?? 0;
    const expires = (flags & EXPIRES) !== 0;
    record.bytes = page.bytes;
    record.view = page.view;
    record.isLarge = (flags & LARGE) !== 0;
    record.keyStart = start + this.#headerBytes(expires);
    record.valueStart = record.keyStart + (words[at + KEY_LENGTH] ?? 0);
    record.end = record.valueStart + (words[at + VALUE_LENGTH] ?? 0);
    record.keyIsBinary = (flags & KEY_BINARY) !== 0;
    record.valueIsBinary = (flags & VALUE_BINARY) !== 0;
    record.version = page.doubles[start / 8 + VERSION] ?? 0;
    record.expiresAtMs = expires ? this.expiresAtMs(ref) : undefined;
    return record;
  }

  /** As {@link raw}, but a complete copy, which later changes do not reach. */
  copy(ref: number): RawRecord {
    const record = this.raw(ref);
    const { keyStart, valueStart, end } = record;
    const length = end - keyStart;
    const copied = Buffer.allocUnsafeSlow(length);
    this.copyData(ref, record, copied, 0);
    const bounds = { keyStart: 0, valueStart: valueStart - keyStart, end: length };
    return { ...record, ...bounds, bytes: copied, view: new DataView(copied.buffer), isLarge: false };
  }

  /** Copies the key and then the value of a record to a place in the target. */
  copyData(ref: number, { bytes, keyStart, end, isLarge }: RawRecord, target: Buffer, at: number): void {
    if (isLarge) this.#cursor(ref).read(target, at, at + end - keyStart);
    else bytes.copy(target, at, keyStart, end);
  }

  /** Returns a cursor at the key of a large record. */
  #cursor(ref: number): ChunkCursor {
    const { keyStart } = this.#locate(ref);
    return new ChunkCursor(this.#arena, this.chunks, ref, keyStart - this.#arena.start(ref));
  }

  #fillLarge(ref: number, at: number, key: KeyBuffer, value: Value, encoding: DataEncoding): void {
    const cursor = new ChunkCursor(this.#arena, this.chunks, ref, at);
    cursor.write(key.bytes, key.length);
    this.#chunkedData.write(cursor, value.data, encoding);
  }

  /** Returns the bytes of a key that may be in several slots. */
  #longKey(ref: number): Buffer {
    const { page, flags, keyStart, valueStart } = this.#locate(ref);
    if ((flags & LARGE) === 0) return page.bytes.subarray(keyStart, valueStart);
    const key = Buffer.allocUnsafe(valueStart - keyStart);
    this.#cursor(ref).read(key, 0, key.length);
    return key;
  }

  #locate(ref: number): RecordPlace {
    const page = this.#arena.page(ref);
    const start = this.#arena.start(ref);
    const at = start / 4;
    const flags = page.words[at + FLAGS] ?? 0;
    const keyStart = start + this.#headerBytes((flags & EXPIRES) !== 0);
    const valueStart = keyStart + (page.words[at + KEY_LENGTH] ?? 0);
    return { page, flags, keyStart, valueStart, end: valueStart + (page.words[at + VALUE_LENGTH] ?? 0) };
  }

  #headerBytes(expires: boolean): number {
    return 4 * (this.#headerWords + (expires ? 2 : 0));
  }

  #word(ref: number, word: number): number {
    return this.#arena.page(ref).words[this.#arena.start(ref) / 4 + word] ?? 0;
  }

  #setWord(ref: number, word: number, to: number): void {
    this.#arena.page(ref).words[this.#arena.start(ref) / 4 + word] = to;
  }
}

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
const LARGE = 64;
