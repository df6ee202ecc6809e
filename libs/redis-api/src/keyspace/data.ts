import { isUtf8 } from 'node:buffer';
import {
  brandKey,
  brandValue,
  KvsError,
  type EncodedData,
  type Key,
  type Limits,
  type Value,
} from '@kvs/protocol';
import { PART_BYTES, RedisError } from '../reply.js';

// Redis knows bytes. Bytes that are UTF-8 are data of encoding `string`, and all others are of encoding `binary`.

/** @throws KvsError `empty_key`, `key_too_long` */
export function keyOf(bytes: Buffer, { maxKeyBytes }: Limits): Key {
  if (bytes.length === 0) throw new KvsError('empty_key', 'a key has at least one byte');
  if (bytes.length > maxKeyBytes)
    throw new KvsError('key_too_long', `a key has at most ${maxKeyBytes} bytes`);
  return brandKey(dataOf(bytes));
}

/** @throws RedisError if it is too large */
export function valueOf(bytes: Buffer, { maxValueBytes }: Limits): Value {
  checkValueBytes(bytes.length, maxValueBytes);
  return brandValue(dataOf(bytes));
}

/** @throws RedisError */
export function checkValueBytes(bytes: number, maxValueBytes: number): void {
  if (bytes > maxValueBytes)
    throw new RedisError('ERR', 'string exceeds maximum allowed size (proto-max-bulk-len)');
}

/** Returns the bytes of a key or value, whatever its encoding. */
export function bytesOf({ encoding, data }: EncodedData): Buffer {
  return Buffer.from(data, encoding === 'string' ? 'utf8' : 'hex');
}

/** Returns how many bytes a key or value has, faster than `byteLength`, which also runs in browsers. */
export function lengthOf({ encoding, data }: EncodedData): number {
  return Buffer.byteLength(data, encoding === 'string' ? 'utf8' : 'hex');
}

/** Returns a key or value as a bulk string. */
export function bulkOf(data: EncodedData): string | Buffer {
  return data.encoding === 'string' ? data.data : bytesOf(data);
}

/** Returns about how many bytes a key takes as an item of a reply, in memory and on the wire. */
export function listedBytes({ data }: Key): number {
  return data.length + PART_BYTES;
}

/** Returns whether clients of the Redis protocol can name a key: with its bytes, they mean the key of encoding `string`. */
export function isNameable(key: Key): boolean {
  return key.encoding === 'string' || !isUtf8(bytesOf(key));
}

function dataOf(bytes: Buffer): EncodedData {
  const text = bytes.toString();
  // Bytes that are not UTF-8 become a replacement character, and few texts have one.
  if (text.includes(REPLACEMENT) && !isUtf8(bytes))
    return { encoding: 'binary', data: bytes.toString('hex') };
  return { encoding: 'string', data: text };
}

const REPLACEMENT = '\ufffd';
