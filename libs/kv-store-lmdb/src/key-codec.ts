import { createHash } from 'node:crypto';
import type { KeyId } from '@kvs/protocol';
import { brandKey, keyId } from '@kvs/protocol';

// How a pair's key is spelled in LMDB, whose keys are limited to less than ours:
//
//   short key   partition (2 bytes, big-endian) · tag (s or b) · the key's bytes
//   long key    partition (2 bytes, big-endian) · tag (s or b) · the key's first HEAD_BYTES · digest · slot
//
// All of a partition lies together, all keys with a common start lie together within it, and a long key's
// length is one that no short key has. Long keys of one head and digest take different slots, and the whole key
// is in the record: two keys are never taken for one, even where their digests are equal.

export const HEAD_BYTES = 960;
export const PREFIX_BYTES = 3;
const DIGEST_BYTES = 32;
export const LONG_KEY_BYTES = PREFIX_BYTES + HEAD_BYTES + DIGEST_BYTES + 1;
export const SLOTS = 256;

/** A digest of 32 bytes; another than SHA-256 is for tests. */
export type Digest = (bytes: Buffer) => Uint8Array;

export const sha256: Digest = (bytes) => createHash('sha256').update(bytes).digest();

/** The whole stored key of a short one; of a long one the part before its slot. */
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

/** Before which key a partition's last one comes. */
export function partitionEnd(partition: number): Buffer {
  return Buffer.concat([partitionStart(partition), Buffer.of(0xff)]);
}

/** Tag and bytes of a key. */
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
 * Where the stored keys begin whose ids may start with this. A start that is cut within a character or byte is
 * shortened to whole ones, one longer than the head to the head, so what is found must still be compared.
 */
export function prefixStart(partition: number, idPrefix: string): Buffer {
  const whole = idPrefix.startsWith('b')
    ? Buffer.concat([Buffer.from('b'), Buffer.from(idPrefix.slice(1), 'hex')])
    : Buffer.from(idPrefix.replace(/[\ud800-\udbff]$/, ''), 'utf8');
  return Buffer.concat([partitionStart(partition), whole.subarray(0, 1 + HEAD_BYTES)]);
}

const STRING_TAG = 's'.charCodeAt(0);
