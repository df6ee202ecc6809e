import { createHash } from 'node:crypto';
import { brandKey, keyId, type KeyId } from '@kvs/protocol';

// The key of a pair in LMDB, whose keys are shorter than those of kvs:
//
//   short key   partition (2 bytes, big-endian) · tag (s or b) · the bytes of the key
//   long key    partition (2 bytes, big-endian) · tag (s or b) · the first HEAD_BYTES of the key · SHA-256 · 0
//
// All keys of a partition are together, and within it all keys with a common prefix. The length of a long key is one
// that no short key has. The record of a long key has the complete key.

export const HEAD_BYTES = 960;
const PREFIX_BYTES = 3;
export const LONG_KEY_BYTES = PREFIX_BYTES + HEAD_BYTES + 32 + 1;

export function storedKey(partition: number, id: KeyId): Buffer {
  const complete = Buffer.concat([partitionStart(partition), idBytes(id)]);
  if (complete.length < LONG_KEY_BYTES) return complete;
  const head = complete.subarray(0, PREFIX_BYTES + HEAD_BYTES);
  return Buffer.concat([head, createHash('sha256').update(complete).digest(), Buffer.of(0)]);
}

export function isLong(stored: Uint8Array): boolean {
  return stored.length === LONG_KEY_BYTES;
}

export function partitionIn(stored: Buffer): number {
  return stored.readUInt16BE(0);
}

export function partitionStart(partition: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16BE(partition);
  return bytes;
}

/** Returns the end of a partition: all of its keys are smaller. */
export function partitionEnd(partition: number): Buffer {
  return Buffer.concat([partitionStart(partition), Buffer.of(0xff)]);
}

/** Returns the tag and bytes of a key. */
export function idBytes(id: KeyId): Buffer {
  if (id.startsWith('s')) return Buffer.from(id, 'utf8');
  return Buffer.concat([Buffer.from('b'), Buffer.from(id.slice(1), 'hex')]);
}

export function idFromBytes(bytes: Buffer): KeyId {
  return bytes[0] === STRING_TAG
    ? keyId(brandKey({ encoding: 'string', data: bytes.toString('utf8', 1) }))
    : keyId(brandKey({ encoding: 'binary', data: bytes.toString('hex', 1) }));
}

/**
 * Returns where the stored keys begin whose ids may start with this prefix. A prefix that ends within a character or
 * byte is shortened to complete ones, and a prefix longer than the head is shortened to the head. So the caller must
 * compare the keys that it finds.
 */
export function prefixStart(partition: number, idPrefix: string): Buffer {
  const bytes = idPrefix.startsWith('b')
    ? Buffer.concat([Buffer.from('b'), Buffer.from(idPrefix.slice(1), 'hex')])
    : Buffer.from(idPrefix.replace(/[\ud800-\udbff]$/, ''), 'utf8');
  return Buffer.concat([partitionStart(partition), bytes.subarray(0, 1 + HEAD_BYTES)]);
}

const STRING_TAG = 's'.charCodeAt(0);
