import type { EngineEntry } from '@kvs/kv-store';
import {
  INTEGER_BYTES,
  LinkProtocolError,
  MAX_VARINT_BYTES,
  type FrameBuilder,
  type FrameCursor,
} from '@kvs/node-link';
import {
  brandKey,
  brandValue,
  canonicalData,
  isValidData,
  keyId,
  MAX_VERSION,
  type EncodedData,
  type Encoding,
  type KeyId,
} from '@kvs/protocol';

/** A key with its entry, or with none if the key was deleted. */
export interface KeyedEntry {
  readonly id: KeyId;
  readonly entry: EngineEntry | undefined;
}

/** Puts a key and its entry into a frame: flags, length of the key, then those of the entry. */
export function putEntry(builder: FrameBuilder, id: KeyId, entry: EngineEntry | undefined): void {
  builder.reserve(ENTRY_BYTES);
  builder.byte(
    (id.startsWith('b') ? KEY_BINARY : 0) |
      (entry === undefined ? 0 : PRESENT) |
      (entry?.value.encoding === 'binary' ? VALUE_BINARY : 0) |
      (entry?.expiresAtMs === undefined ? 0 : EXPIRES),
  );
  builder.varint(id.length - 1);
  builder.text(id.slice(1));
  if (entry === undefined) return;
  builder.varint(entry.value.data.length);
  builder.text(entry.value.data);
  builder.integer(entry.version);
  // A deadline before 1970 has passed as well as that of 1970 itself.
  if (entry.expiresAtMs !== undefined) builder.integer(Math.max(entry.expiresAtMs, 0));
}

/** @throws LinkProtocolError */
export function readEntry(cursor: FrameCursor): KeyedEntry {
  const flags = cursor.flags(KEY_BINARY | PRESENT | VALUE_BINARY | EXPIRES);
  const key = readData(cursor, flags & KEY_BINARY ? 'binary' : 'string');
  if (key.data === '') throw new LinkProtocolError('a key is empty');
  const id = keyId(brandKey(key));
  if ((flags & PRESENT) === 0) return { id, entry: undefined };
  const value = brandValue(readData(cursor, flags & VALUE_BINARY ? 'binary' : 'string'));
  const version = readInteger(cursor, MAX_VERSION);
  return { id, entry: { value, version, expiresAtMs: flags & EXPIRES ? readInteger(cursor) : undefined } };
}

/** @throws LinkProtocolError if it is not from 0 to `max` */
export function readInteger(cursor: FrameCursor, max = Number.MAX_SAFE_INTEGER): number {
  const value = cursor.integer();
  if (value > max) throw new LinkProtocolError('a number is out of its range');
  return value;
}

function readData(cursor: FrameCursor, encoding: Encoding): EncodedData {
  const data = cursor.text(cursor.varint());
  const isChecked = encoding === 'string' && !cursor.wide; // Latin-1 has no lone surrogates
  if (!isChecked && !isValidData(encoding, data))
    throw new LinkProtocolError('data is not valid in its encoding');
  return { encoding, data: canonicalData(encoding, data) };
}

const KEY_BINARY = 1;
const PRESENT = 2;
const VALUE_BINARY = 4;
const EXPIRES = 8;

/** Flags and the length of the key. */
export const MIN_ENTRY_BYTES = 2;
const ENTRY_BYTES = 1 + 2 * MAX_VARINT_BYTES + 2 * INTEGER_BYTES;
