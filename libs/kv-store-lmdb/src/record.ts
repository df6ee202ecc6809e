import { brandValue, type KeyId, type Value } from '@kvs/protocol';
import type { EngineEntry } from '@kvs/kv-store';
import { idBytes, idFromBytes } from './key-codec.js';

// The stored form of a pair. Numbers are doubles, which hold every safe integer:
//
//   flags (1) · version (8) · [expiry, ms (8)] · [length of the key (4) · key] · value
//
// The key is there only when it is too long to be spelled out in the stored key.

export interface RecordHead {
  readonly version: number;
  readonly expiresAtMs: number | undefined;
}

export function encodeRecord({ value, version, expiresAtMs }: EngineEntry, longKey?: KeyId): Buffer {
  const key = longKey === undefined ? undefined : idBytes(longKey);
  const encoding = value.encoding === 'binary' ? 'hex' : 'utf8';
  const keyAt = 9 + (expiresAtMs === undefined ? 0 : 8);
  const valueAt = keyAt + (key === undefined ? 0 : 4 + key.length);
  const record = Buffer.allocUnsafe(valueAt + Buffer.byteLength(value.data, encoding));
  record[0] =
    (value.encoding === 'binary' ? BINARY : 0) |
    (expiresAtMs === undefined ? 0 : EXPIRES) |
    (key === undefined ? 0 : LONG_KEY);
  record.writeDoubleBE(version, 1);
  if (expiresAtMs !== undefined) record.writeDoubleBE(expiresAtMs, 9);
  if (key !== undefined) key.copy(record, record.writeUInt32BE(key.length, keyAt));
  record.write(value.data, valueAt, encoding);
  return record;
}

export function recordHead(record: Buffer): RecordHead {
  return {
    version: record.readDoubleBE(1),
    expiresAtMs: flagsOf(record) & EXPIRES ? record.readDoubleBE(9) : undefined,
  };
}

/** Returns the key in the record, if it is there. */
export function recordKey(record: Buffer): KeyId | undefined {
  if (!(flagsOf(record) & LONG_KEY)) return undefined;
  const at = keyOffset(record);
  return idFromBytes(record.subarray(at + 4, at + 4 + record.readUInt32BE(at)));
}

export function recordEntry(record: Buffer): EngineEntry {
  return { ...recordHead(record), value: recordValue(record) };
}

/** As {@link recordEntry}, with an empty value. */
export function emptyEntry(record: Buffer): EngineEntry {
  return { ...recordHead(record), value: NO_VALUE };
}

function recordValue(record: Buffer): Value {
  const at = keyOffset(record);
  const valueAt = flagsOf(record) & LONG_KEY ? at + 4 + record.readUInt32BE(at) : at;
  return flagsOf(record) & BINARY
    ? brandValue({ encoding: 'binary', data: record.toString('hex', valueAt) })
    : brandValue({ encoding: 'string', data: record.toString('utf8', valueAt) });
}

function keyOffset(record: Buffer): number {
  return flagsOf(record) & EXPIRES ? 17 : 9;
}

function flagsOf(record: Buffer): number {
  return record.readUInt8(0);
}

const NO_VALUE = brandValue({ encoding: 'string', data: '' });
const BINARY = 1;
const EXPIRES = 2;
const LONG_KEY = 4;
