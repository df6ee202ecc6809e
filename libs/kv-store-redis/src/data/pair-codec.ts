import type { EngineEntry } from '@kvs/kv-store';
import { brandKey, brandValue, keyId, type Encoding, type KeyId, type Value } from '@kvs/protocol';

// The bytes of pairs in Redis. A key is its tag, `s` or `b`, and its bytes. A pair is
//
//     tag (1 byte) · version (8) · deadline (8, if the tag is a capital) · the bytes of the value
//
// The tag is the encoding of the value, `s` or `b`, as a capital if the pair has a deadline. Both numbers are big-endian
// doubles, because Lua counts in doubles. They are exact for every safe integer.

export type Bytes = string | Buffer;

/** Returns the bytes of a key, or of a prefix of keys. Text becomes UTF-8. */
export function encodeKeyId(id: string): Bytes {
  return id.startsWith('b') ? Buffer.from(BINARY_TAG_HEX + id.slice(1), 'hex') : id;
}

export function decodeKeyId(bytes: Buffer): KeyId {
  const encoding = bytes[0] === BINARY_TAG ? 'binary' : 'string';
  return keyId(brandKey({ encoding, data: decodeData(encoding, bytes, 1) }));
}

/** Returns the tag of a pair. */
export function pairTag({ encoding }: Value, expiresAtMs: number | undefined): string {
  const tag = encoding === 'string' ? 's' : 'b';
  return expiresAtMs === undefined ? tag : tag.toUpperCase();
}

export function encodeData({ encoding, data }: Value): Bytes {
  return encoding === 'string' ? data : Buffer.from(data, 'hex');
}

export function decodePair(bytes: Buffer): EngineEntry {
  const tag = bytes.toString('latin1', 0, 1);
  const encoding = tag.toLowerCase() === 'b' ? 'binary' : 'string';
  const hasDeadline = tag !== tag.toLowerCase();
  return {
    value: brandValue({ encoding, data: decodeData(encoding, bytes, hasDeadline ? 17 : 9) }),
    version: bytes.readDoubleBE(1),
    expiresAtMs: hasDeadline ? bytes.readDoubleBE(9) : undefined,
  };
}

/** Returns how many bytes the value of a pair of `pairBytes` bytes has, or 8 less if the pair has no deadline. */
export function leastValueBytes(pairBytes: number): number {
  return Math.max(0, pairBytes - 17);
}

const BINARY_TAG = 'b'.charCodeAt(0);
const BINARY_TAG_HEX = BINARY_TAG.toString(16);

function decodeData(encoding: Encoding, bytes: Buffer, start: number): string {
  return bytes.toString(encoding === 'string' ? 'utf8' : 'hex', start);
}
