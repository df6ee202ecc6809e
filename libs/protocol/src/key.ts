import { byteLength, canonicalData, isValidData, type EncodedData } from './encoding.js';
import { KvsError } from './errors.js';

declare const checked: unique symbol;

/** A valid key in canonical form, made by the guard, by {@link stringKey} or by {@link binaryKey}. */
export type Key = EncodedData & { readonly [checked]: 'key' };

/** A valid value in canonical form, made by the guard, by {@link stringValue} or by {@link binaryValue}. */
export type Value = EncodedData & { readonly [checked]: 'value' };

/**
 * A key as one string: `s` or `b` for its encoding, then its canonical data. Two keys are the same exactly if their
 * ids are equal.
 */
export type KeyId = string & { readonly [checked]: 'keyId' };

/** @throws KvsError `empty_key`, `invalid_data` (a lone surrogate) */
export function stringKey(text: string): Key {
  return asKey(checkData({ encoding: 'string', data: text }));
}

/** @throws KvsError `empty_key` */
export function binaryKey(bytes: Uint8Array): Key {
  return asKey({ encoding: 'binary', data: toHex(bytes) });
}

/** @throws KvsError `invalid_data` (a lone surrogate) */
export function stringValue(text: string): Value {
  return brandValue(checkData({ encoding: 'string', data: text }));
}

/** Returns the value of some bytes. */
export function binaryValue(bytes: Uint8Array): Value {
  return brandValue({ encoding: 'binary', data: toHex(bytes) });
}

/** Returns the id of a key: two keys have the same id exactly if they are equal. */
export function keyId(key: Key): KeyId {
  return ((key.encoding === 'string' ? 's' : 'b') + key.data) as KeyId;
}

/** Returns the key that has this id. */
export function keyFromId(id: KeyId): Key {
  return brandKey({ encoding: id.startsWith('s') ? 'string' : 'binary', data: id.slice(1) });
}

/** Marks data that the caller knows to be a valid, canonical key. For guards and engines only. */
export function brandKey(data: EncodedData): Key {
  return data as Key;
}

/** Marks data that the caller knows to be a valid, canonical value. For guards and engines only. */
export function brandValue(data: EncodedData): Value {
  return data as Value;
}

function asKey(data: EncodedData): Key {
  if (byteLength(data) === 0) throw new KvsError('empty_key', 'a key has at least one byte');
  return brandKey(data);
}

function checkData({ encoding, data }: EncodedData): EncodedData {
  if (!isValidData(encoding, data)) throw new KvsError('invalid_data', 'the text holds a lone surrogate');
  return { encoding, data: canonicalData(encoding, data) };
}

/**
 * Makes flat texts of {@link CHUNK_BYTES} each, because adding single digits would make a chain of millions of small
 * strings.
 */
function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES)
    hex += chunkToHex(bytes.subarray(at, at + CHUNK_BYTES));
  return hex;
}

function chunkToHex(bytes: Uint8Array): string {
  const digits = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    digits[2 * i] = digitOf(byte >>> 4);
    digits[2 * i + 1] = digitOf(byte & 15);
  }
  return decoder.decode(digits);
}

function digitOf(value: number): number {
  return value < 10 ? DIGIT_0 + value : LETTER_A + value - 10;
}

const decoder = new TextDecoder();
const CHUNK_BYTES = 64 * 1024;
const DIGIT_0 = '0'.charCodeAt(0);
const LETTER_A = 'a'.charCodeAt(0);
