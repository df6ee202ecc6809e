import {
  isTtl,
  isVersionCondition,
  partitionOf,
  type DeleteItem,
  type ErrorCode,
  type Key,
  type SetItem,
  type Value,
} from '@kvs/protocol';
import { ITEM_WEIGHT, type Batch, type RoutedBatch } from '../batch.js';
import { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { allowFlags, KIND_CODES, kindOf, LinkProtocolError } from './frame.js';
import { checkKey, checkValue, readEpoch, readPartition, type ItemLimits } from './item-checks.js';
import type { Refusal } from './refusal.js';

/** A batch whose items are valid and canonical. */
export type DecodedBatch = { readonly id: number } & RoutedBatch;

/** A call as a node reads it: its batch, or the refusal of the call. */
export type DecodedCall = DecodedBatch | { readonly id: number; readonly refusal: Refusal };

/** Puts a call into a frame that was begun as `calls`. */
export function putCall(builder: FrameBuilder, id: number, batch: RoutedBatch): void {
  const { epoch, partitions } = batch;
  builder.reserve(CALL_BYTES);
  builder.varint(id);
  builder.byte(KIND_CODES[batch.kind] | (epoch === 0 ? 0 : HAS_EPOCH));
  builder.varint(batch.items.length);
  if (epoch !== 0) builder.integer(epoch);
  let at = 0;
  switch (batch.kind) {
    case 'set':
      for (const { key, value, ttlMs, expiresAtMs, ifVersion } of batch.items)
        putItem(builder, partitions[at++], key, value, ttlMs, ifVersion, expiresAtMs);
      break;
    case 'delete':
      for (const { key, ifVersion } of batch.items)
        putItem(builder, partitions[at++], key, undefined, undefined, ifVersion);
      break;
    case 'fetch':
    case 'query':
      for (const key of batch.items) putItem(builder, partitions[at++], key);
  }
}

/** How much more a link may have unanswered. */
export interface CallRoom {
  readonly calls: number;
  /** In bytes, as `weightOf` counts them. If nothing is unanswered, one call may have more. */
  readonly bytes: number;
  readonly isIdle: boolean;
}

/**
 * Reads a frame of calls. An invalid item makes the node refuse its call, and no other.
 *
 * @throws LinkProtocolError when the frame is malformed, or has more calls than there is room for; then no call of the
 * frame may run
 */
export function decodeCalls(cursor: FrameCursor, limits: ItemLimits, room: CallRoom): DecodedCall[] {
  const calls: DecodedCall[] = [];
  let bytes = cursor.units;
  while (cursor.hasNumbers) {
    const id = cursor.varint();
    const code = cursor.byte();
    const kind = kindOf(code & ~HAS_EPOCH);
    const count = cursor.varint();
    const epoch = code & HAS_EPOCH ? readEpoch(cursor) : 0;
    if (count === 0) throw new LinkProtocolError('a call has no items');
    if (calls.length >= room.calls)
      throw new LinkProtocolError('more calls are unanswered than the node takes');
    bytes += count * ITEM_WEIGHT;
    if (bytes > room.bytes && (calls.length > 0 || !room.isIdle))
      throw new LinkProtocolError('calls of more bytes are unanswered than the node takes');
    calls.push(new ItemReader(cursor, limits).read(id, kind, count, epoch));
  }
  cursor.finish();
  return calls;
}

/** Reads the items of one call, and remembers what is wrong with the first that is not valid. */
class ItemReader {
  #refusal: Refusal | undefined;
  readonly #partitions: number[] = [];

  readonly #cursor: FrameCursor;
  readonly #limits: ItemLimits;

  constructor(cursor: FrameCursor, limits: ItemLimits) {
    this.#cursor = cursor;
    this.#limits = limits;
  }

  read(id: number, kind: Batch['kind'], count: number, epoch: number): DecodedCall {
    const { maxBatchItems } = this.#limits;
    if (count > maxBatchItems) {
      const message = `a batch has at most ${maxBatchItems} items, not ${count}`;
      this.#refusal = { code: 'too_many_items', message };
    }
    const batch = this.#batch(kind, count);
    if (this.#refusal !== undefined) return { id, refusal: this.#refusal };
    return { id, partitions: this.#partitions, epoch, ...batch };
  }

  #batch(kind: Batch['kind'], count: number): Batch {
    switch (kind) {
      case 'set':
        return { kind, items: this.#items(count, (flags, i) => this.#setItem(flags, i)) };
      case 'delete':
        return { kind, items: this.#items(count, (flags, i) => this.#deleteItem(flags, i)) };
      case 'fetch':
      case 'query':
        return { kind, items: this.#items(count, (flags, i) => this.#keyItem(flags, i)) };
    }
  }

  #items<T>(count: number, read: (flags: number, index: number) => T | undefined): T[] {
    const items: T[] = [];
    for (let index = 0; index < count; index++) {
      const item = read(this.#cursor.byte(), index);
      if (item !== undefined) items.push(item);
    }
    return items;
  }

  #setItem(flags: number, index: number): SetItem | undefined {
    // An item has a time to live or a deadline, not both.
    const expiry = flags & HAS_TTL ? HAS_TTL : HAS_DEADLINE;
    allowFlags(flags, KEY_BINARY | VALUE_BINARY | HAS_VERSION | expiry);
    const cursor = this.#cursor;
    const partition = this.#partition();
    const keyUnits = cursor.varint();
    const valueUnits = cursor.varint();
    const ttlMs = flags & HAS_TTL ? cursor.integer() : undefined;
    const ifVersion = flags & HAS_VERSION ? cursor.integer() : undefined;
    const expiresAtMs = flags & HAS_DEADLINE ? cursor.integer() : undefined;
    const key = this.#key(flags, keyUnits, index);
    const value = this.#value(flags, valueUnits, index);
    if (ttlMs !== undefined && !isTtl(ttlMs)) this.#refuse('invalid_ttl', index);
    if (expiresAtMs !== undefined && !Number.isSafeInteger(expiresAtMs)) this.#refuse('invalid_ttl', index);
    if (ifVersion !== undefined && !isVersionCondition(ifVersion)) this.#refuse('invalid_version', index);
    if (key === undefined || value === undefined) return undefined;
    this.#checkPartition(key, partition);
    if (expiresAtMs !== undefined)
      return ifVersion === undefined ? { key, value, expiresAtMs } : { key, value, expiresAtMs, ifVersion };
    if (ttlMs === undefined) return ifVersion === undefined ? { key, value } : { key, value, ifVersion };
    return ifVersion === undefined ? { key, value, ttlMs } : { key, value, ttlMs, ifVersion };
  }

  #deleteItem(flags: number, index: number): DeleteItem | undefined {
    allowFlags(flags, KEY_BINARY | HAS_VERSION);
    const cursor = this.#cursor;
    const partition = this.#partition();
    const keyUnits = cursor.varint();
    const ifVersion = flags & HAS_VERSION ? cursor.integer() : undefined;
    const key = this.#key(flags, keyUnits, index);
    if (ifVersion !== undefined && !isVersionCondition(ifVersion)) this.#refuse('invalid_version', index);
    if (key === undefined) return undefined;
    this.#checkPartition(key, partition);
    return ifVersion === undefined ? { key } : { key, ifVersion };
  }

  #keyItem(flags: number, index: number): Key | undefined {
    allowFlags(flags, KEY_BINARY);
    this.#partition();
    return this.#key(flags, this.#cursor.varint(), index);
  }

  #partition(): number {
    const partition = readPartition(this.#cursor);
    this.#partitions.push(partition);
    return partition;
  }

  /** A write to another partition would store a pair where no read finds it. A read there finds nothing. */
  #checkPartition(key: Key, partition: number): void {
    if (partitionOf(key) !== partition) throw new LinkProtocolError(`a key is not of partition ${partition}`);
  }

  /** Skips the text of a call that is refused already. */
  #key(flags: number, units: number, index: number): Key | undefined {
    if (this.#refusal !== undefined) return void this.#cursor.text(units);
    const data = this.#cursor.text(units);
    const key = checkKey(flags & KEY_BINARY ? 'binary' : 'string', data, this.#cursor.wide, this.#limits);
    return typeof key === 'string' ? this.#refuse(key, index) : key;
  }

  #value(flags: number, units: number, index: number): Value | undefined {
    if (this.#refusal !== undefined) return void this.#cursor.text(units);
    const data = this.#cursor.text(units);
    const encoding = flags & VALUE_BINARY ? 'binary' : 'string';
    const value = checkValue(encoding, data, this.#cursor.wide, this.#limits.maxValueBytes);
    return typeof value === 'string' ? this.#refuse(value, index) : value;
  }

  #refuse(code: ErrorCode, index: number): undefined {
    this.#refusal ??= { code, message: `item ${index} of the batch: ${code.replaceAll('_', ' ')}` };
    return undefined;
  }
}

/** Takes the fields one by one, because it is up to 40 % slower if it reads them from an item. */
function putItem(
  builder: FrameBuilder,
  partition: number | undefined,
  key: Key,
  value?: Value,
  ttlMs?: number,
  ifVersion?: number,
  expiresAtMs?: number,
): void {
  if (partition === undefined) throw new TypeError('a batch has fewer partitions than items');
  builder.reserve(ITEM_BYTES);
  builder.byte(
    (key.encoding === 'binary' ? KEY_BINARY : 0) |
      (value?.encoding === 'binary' ? VALUE_BINARY : 0) |
      (ttlMs === undefined ? 0 : HAS_TTL) |
      (ifVersion === undefined ? 0 : HAS_VERSION) |
      (expiresAtMs === undefined ? 0 : HAS_DEADLINE),
  );
  builder.varint(partition);
  builder.varint(key.data.length);
  if (value !== undefined) builder.varint(value.data.length);
  if (ttlMs !== undefined) builder.integer(ttlMs);
  if (ifVersion !== undefined) builder.integer(ifVersion);
  if (expiresAtMs !== undefined) builder.integer(expiresAtMs);
  builder.text(key.data);
  if (value !== undefined) builder.text(value.data);
}

/** Set in the byte of the operation if an epoch follows the number of items. */
const HAS_EPOCH = 128;

const KEY_BINARY = 1;
const VALUE_BINARY = 2;
const HAS_TTL = 4;
const HAS_VERSION = 8;
const HAS_DEADLINE = 16;

const ITEM_BYTES = 1 + 3 * MAX_VARINT_BYTES + 2 * INTEGER_BYTES;
const CALL_BYTES = 2 * MAX_VARINT_BYTES + 1 + INTEGER_BYTES;
