import type { EngineEntry } from '@kvs/kv-store';
import type { Encoding, KeyId, Value } from '@kvs/protocol';
import { brandKey, brandValue, keyId } from '@kvs/protocol';

// How pairs look in Redis. A key is its tag, `s` or `b`, and its bytes. A pair is
//
//     tag (1 byte) · version (8) · deadline (8, if the tag is a capital) · the value's bytes
//
// where the tag tells the value's encoding, `s` or `b`, in capitals when there is a deadline. Both numbers are
// big-endian doubles: what Lua counts in, and exact for every safe integer.

export type Bytes = string | Buffer;

/** A key, or the start of keys, as bytes. A text stands for its UTF-8. */
export function encodeKeyId(id: string): Bytes {
  return id.startsWith('b') ? Buffer.from(BINARY_TAG_HEX + id.slice(1), 'hex') : id;
}

export function decodeKeyId(bytes: Buffer): KeyId {
  const encoding = bytes[0] === BINARY_TAG ? 'binary' : 'string';
  return keyId(brandKey({ encoding, data: decodeData(encoding, bytes, 1) }));
}

/** The tag of a pair to write. */
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

/** Returns the bytes of the value of a pair of so many bytes, or 8 less than that if the pair has no deadline. */
export function leastValueBytes(pairBytes: number): number {
  return Math.max(0, pairBytes - 17);
}

const BINARY_TAG = 'b'.charCodeAt(0);
const BINARY_TAG_HEX = BINARY_TAG.toString(16);

function decodeData(encoding: Encoding, bytes: Buffer, start: number): string {
  return bytes.toString(encoding === 'string' ? 'utf8' : 'hex', start);
}
