import { createHash } from 'node:crypto';
import type { KeyId } from '@kvs/protocol';
import { brandKey, keyId } from '@kvs/protocol';

// How a pair's key is spelled in LMDB, whose keys are limited to less than ours:
//
//   short key   partition (2 bytes, big-endian) · tag (s or b) · the key's bytes
//   long key    partition (2 bytes, big-endian) · tag (s or b) · the key's first HEAD_BYTES · digest · slot
//
// All keys of a partition are together, and within it all keys with a common prefix. The length of a long key is one
// that no short key has. Long keys with the same head and digest have different slots, and the record has the
// complete key, so two keys are never confused, even if their digests are equal.

export const HEAD_BYTES = 960;
export const PREFIX_BYTES = 3;
const DIGEST_BYTES = 32;
export const LONG_KEY_BYTES = PREFIX_BYTES + HEAD_BYTES + DIGEST_BYTES + 1;
export const SLOTS = 256;

/** A digest of 32 bytes. Tests use others than SHA-256. */
export type Digest = (bytes: Buffer) => Uint8Array;

export const sha256: Digest = (bytes) => createHash('sha256').update(bytes).digest();

/** The stored key of a short key; of a long key, the part before its slot. */
export interface StoredKey {
  readonly bytes: Buffer;
  readonly isLong: boolean;
}

export function storedKey(partition: number, id: KeyId, digest: Digest): StoredKey {
  const whole = Buffer.concat([partitionStart(partition), idBytes(id)]);
  if (whole.length < LONG_KEY_BYTES) return { bytes: whole, isLong: false };
  const head = whole.subarray(0, PREFIX_BYTES + HEAD_BYTES);
  return { bytes: Buffer.concat([head, digest(whole)]), isLong: true };
}

export function withSlot(bytes: Buffer, slot: number): Buffer {
  return Buffer.concat([bytes, Buffer.of(slot)]);
}

export function isLong(stored: Uint8Array): boolean {
  return stored.length === LONG_KEY_BYTES;
}

export function partitionOf(stored: Buffer): number {
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
 * byte is shortened to whole ones, and a prefix longer than the head is shortened to the head. So the caller must
 * compare the keys that it finds.
 */
export function prefixStart(partition: number, idPrefix: string): Buffer {
  const whole = idPrefix.startsWith('b')
    ? Buffer.concat([Buffer.from('b'), Buffer.from(idPrefix.slice(1), 'hex')])
    : Buffer.from(idPrefix.replace(/[\ud800-\udbff]$/, ''), 'utf8');
  return Buffer.concat([partitionStart(partition), whole.subarray(0, 1 + HEAD_BYTES)]);
}

const STRING_TAG = 's'.charCodeAt(0);
