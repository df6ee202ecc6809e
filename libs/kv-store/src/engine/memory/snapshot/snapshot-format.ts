import { crc32 } from 'node:zlib';
import { brandKey, brandValue, keyId } from '@kvs/protocol';
import type { EngineKey, EnginePair } from '../../engine-data.js';
import type { RawRecord } from '../raw-record.js';
import { decoded } from '../record-data.js';

// A snapshot is a magic text and then frames: length, checksum (CRC-32 of kind and payload), kind, payload. Numbers
// are little-endian. The first frame names the partition function. The last frame says how many pairs there are, and
// nothing follows it, so a reader recognises a file that was cut off, even between two frames.

export const MAGIC = Buffer.from('KVSSNAP2', 'latin1');

/** The magic text of snapshots that name no partition function. */
export const OLD_MAGIC = Buffer.from('KVSSNAP1', 'latin1');

export const FRAME_HEADER_BYTES = 9;

/** Longer frames are damaged: Node reads no more at once. A frame has one large pair, or small ones. */
export const MAX_FRAME_BYTES = 2 ** 31 - 1;

/**
 * `pairs`: records one after the other. `floors`: partitions with their version floors. `end`: the count of pairs.
 * `partition-function`: its name.
 */
export const FRAME_KINDS = ['pairs', 'floors', 'end', 'partition-function'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

export interface FrameHeader {
  readonly kind: FrameKind | undefined;
  readonly length: number;
  readonly checksum: number;
}

/** Writes the header of a frame to the start of a buffer. */
export function writeFrameHeader(target: Buffer, kind: FrameKind, length: number, checksum: number): void {
  target.writeUInt32LE(length, 0);
  target.writeUInt32LE(checksum, 4);
  target[8] = FRAME_KINDS.indexOf(kind);
}

/** Returns the checksum of a frame's kind, to be continued with `crc32(chunk, checksum)`. */
export function startOfChecksum(kind: FrameKind): number {
  return crc32(Buffer.of(FRAME_KINDS.indexOf(kind)));
}

export function readFrameHeader(header: Buffer): FrameHeader {
  return {
    length: header.readUInt32LE(0),
    checksum: header.readUInt32LE(4),
    kind: FRAME_KINDS[header.readUInt8(8)],
  };
}

export function isIntact(header: Buffer, payload: Buffer): boolean {
  return crc32(payload, crc32(header.subarray(8))) === header.readUInt32LE(4);
}

/** Returns how many bytes a pair has in the file. */
export function pairBytes({ keyStart, end }: RawRecord): number {
  return PAIR_HEADER_BYTES + end - keyStart;
}

/** Writes what precedes a pair's key and value. */
export function writePairHeader(target: Buffer, at: number, partition: number, record: RawRecord): void {
  const { keyStart, valueStart, end, version, expiresAtMs = NEVER } = record;
  target[at] = (record.keyIsBinary ? 1 : 0) | (record.valueIsBinary ? 2 : 0);
  target.writeUInt16LE(partition, at + 1);
  target.writeUInt32LE(valueStart - keyStart, at + 3);
  target.writeUInt32LE(end - valueStart, at + 7);
  target.writeDoubleLE(version, at + 11);
  target.writeDoubleLE(expiresAtMs, at + 19);
}

/** @throws RangeError if the payload ends within a pair */
export function* readPairs(payload: Buffer): Generator<EnginePair & EngineKey, void, undefined> {
  for (let at = 0; at < payload.length;) {
    const flags = payload.readUInt8(at);
    const keyStart = at + PAIR_HEADER_BYTES;
    const valueStart = keyStart + payload.readUInt32LE(at + 3);
    const end = valueStart + payload.readUInt32LE(at + 7);
    if (end > payload.length) throw new RangeError('a pair is cut off');
    const expiresAtMs = payload.readDoubleLE(at + 19);
    yield {
      id: keyId(brandKey(decoded(payload, keyStart, valueStart, (flags & 1) !== 0, false))),
      partition: payload.readUInt16LE(at + 1),
      value: brandValue(decoded(payload, valueStart, end, (flags & 2) !== 0, false)),
      version: payload.readDoubleLE(at + 11),
      expiresAtMs: expiresAtMs === NEVER ? undefined : expiresAtMs,
    };
    at = end;
  }
}

export function floorsPayload(floors: ReadonlyMap<number, number>): Buffer {
  const payload = Buffer.allocUnsafe(floors.size * FLOOR_BYTES);
  let at = 0;
  for (const [partition, floor] of floors) {
    payload.writeUInt16LE(partition, at);
    payload.writeDoubleLE(floor, at + 2);
    at += FLOOR_BYTES;
  }
  return payload;
}

export function* readFloors(
  payload: Buffer,
): Generator<{ partition: number; floor: number }, void, undefined> {
  for (let at = 0; at < payload.length; at += FLOOR_BYTES)
    yield { partition: payload.readUInt16LE(at), floor: payload.readDoubleLE(at + 2) };
}

export function countPayload(pairCount: number): Buffer {
  const payload = Buffer.allocUnsafe(8);
  payload.writeDoubleLE(pairCount);
  return payload;
}

export function readCount(payload: Buffer): number {
  return payload.readDoubleLE(0);
}

/** Flags, partition, two lengths, version, deadline. */
export const PAIR_HEADER_BYTES = 27;
const FLOOR_BYTES = 10;
const NEVER = Infinity;
