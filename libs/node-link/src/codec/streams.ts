import type { Buffer } from 'node:buffer';
import { PARTITION_COUNT, type ScanRequest } from '@kvs/protocol';
import { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { FRAME, FRAME_HEADER_BYTES, LinkProtocolError } from './frame.js';
import { readEpoch, readPartition, readValue } from './item-checks.js';
import { putRefusal, readRefusal, REFUSAL_BYTES, type Refusal } from './refusal.js';

/** A request that a node answers with a stream of bytes: the pairs of a scan, or its statistics as JSON. */
export type StreamRequest =
  { readonly kind: 'scan'; readonly scan: ScanRequest; readonly epoch: number } | { readonly kind: 'stats' };

/** A request for a stream. The node may send chunks of `credit` bytes until it is granted more. */
export interface OpenFrame {
  readonly id: number;
  readonly credit: number;
  readonly request: StreamRequest;
}

export function encodeOpen(builder: FrameBuilder, { id, credit, request }: OpenFrame): Buffer {
  builder.begin(FRAME.open);
  builder.reserve(OPEN_BYTES);
  builder.varint(id);
  builder.varint(credit);
  builder.byte(request.kind === 'scan' ? SCAN : STATS);
  if (request.kind === 'scan') putScan(builder, request.scan, request.epoch);
  return builder.finish();
}

/** @throws LinkProtocolError */
export function decodeOpen(cursor: FrameCursor): OpenFrame {
  const id = cursor.varint();
  const credit = cursor.varint();
  const kind = cursor.byte();
  if (kind !== SCAN && kind !== STATS) throw new LinkProtocolError(`there is no stream of kind ${kind}`);
  const request: StreamRequest = kind === SCAN ? readScan(cursor) : { kind: 'stats' };
  cursor.finish();
  return { id, credit, request };
}

/**
 * Returns the beginning of the frame; the bytes of the chunk follow it.
 *
 * @param bytes the length of the chunk, at most {@link MAX_CHUNK_BYTES}
 */
export function encodeChunkHead(builder: FrameBuilder, id: number, bytes: number): Buffer {
  builder.begin(FRAME.chunk);
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(id);
  return builder.finish(bytes);
}

/** @throws LinkProtocolError */
export function decodeChunk(cursor: FrameCursor): { readonly id: number; readonly bytes: Buffer } {
  const id = cursor.varint();
  const bytes = cursor.rest();
  cursor.finish();
  if (bytes.length > MAX_CHUNK_BYTES) throw new LinkProtocolError('a chunk is too large');
  return { id, bytes };
}

/** @param failure why the stream is not complete; undefined if it is */
export function encodeEnd(builder: FrameBuilder, id: number, failure?: Refusal): Buffer {
  builder.begin(FRAME.end);
  builder.reserve(2 * MAX_VARINT_BYTES + REFUSAL_BYTES);
  builder.varint(id);
  if (failure !== undefined) putRefusal(builder, failure);
  if (failure?.partition !== undefined) builder.varint(failure.partition);
  return builder.finish();
}

/** @throws LinkProtocolError */
export function decodeEnd(cursor: FrameCursor): { readonly id: number; readonly failure?: Refusal } {
  const id = cursor.varint();
  if (!cursor.hasNumbers) {
    cursor.finish();
    return { id };
  }
  const failure = readRefusal(cursor);
  const partition = cursor.hasNumbers ? readPartition(cursor) : undefined;
  cursor.finish();
  return { id, failure: partition === undefined ? failure : { ...failure, partition } };
}

/** @param bytes how many more bytes the node may send */
export function encodeCredit(builder: FrameBuilder, id: number, bytes: number): Buffer {
  builder.begin(FRAME.credit);
  builder.reserve(2 * MAX_VARINT_BYTES);
  builder.varint(id);
  builder.varint(bytes);
  return builder.finish();
}

/** @throws LinkProtocolError */
export function decodeCredit(cursor: FrameCursor): { readonly id: number; readonly bytes: number } {
  const id = cursor.varint();
  const bytes = cursor.varint();
  cursor.finish();
  return { id, bytes };
}

export function encodeCancel(builder: FrameBuilder, id: number): Buffer {
  builder.begin(FRAME.cancel);
  builder.reserve(MAX_VARINT_BYTES);
  builder.varint(id);
  return builder.finish();
}

/** @throws LinkProtocolError */
export function decodeCancel(cursor: FrameCursor): number {
  const id = cursor.varint();
  cursor.finish();
  return id;
}

function putScan(
  builder: FrameBuilder,
  { prefix, partitions, meta, values, format }: ScanRequest,
  epoch: number,
): void {
  builder.byte(
    (prefix === undefined ? 0 : HAS_PREFIX) |
      (prefix?.encoding === 'binary' ? PREFIX_BINARY : 0) |
      (meta ? META : 0) |
      (values === false ? NO_VALUES : 0) |
      (format === 'items' ? ITEMS : 0) |
      (partitions === undefined ? 0 : HAS_PARTITIONS) |
      (epoch === 0 ? 0 : HAS_EPOCH),
  );
  if (epoch !== 0) builder.integer(epoch);
  if (prefix !== undefined) {
    builder.varint(prefix.data.length);
    builder.text(prefix.data);
  }
  if (partitions !== undefined) builder.bytes(bitmapOf(partitions));
}

function readScan(cursor: FrameCursor): StreamRequest {
  const flags = cursor.flags(
    HAS_PREFIX | PREFIX_BINARY | META | ITEMS | HAS_PARTITIONS | HAS_EPOCH | NO_VALUES,
  );
  const epoch = flags & HAS_EPOCH ? readEpoch(cursor) : 0;
  const encoding = flags & PREFIX_BINARY ? 'binary' : 'string';
  const prefix = flags & HAS_PREFIX ? readValue(cursor, encoding, cursor.varint()) : undefined;
  const partitions = flags & HAS_PARTITIONS ? partitionsIn(cursor.bytes(BITMAP_BYTES)) : undefined;
  const scan: ScanRequest = {
    meta: (flags & META) !== 0,
    format: flags & ITEMS ? 'items' : 'lines',
    ...(flags & NO_VALUES && { values: false }),
    ...(prefix && { prefix }),
    ...(partitions && { partitions }),
  };
  return { kind: 'scan', scan, epoch };
}

/** One bit for each partition, the lowest partition in the lowest bit of the first byte. */
function bitmapOf(partitions: readonly number[]): Uint8Array {
  const bitmap = new Uint8Array(BITMAP_BYTES);
  for (const partition of partitions) {
    const at = partition >>> 3;
    bitmap[at] = (bitmap[at] ?? 0) | (1 << (partition & 7));
  }
  return bitmap;
}

function partitionsIn(bitmap: Uint8Array): number[] {
  const partitions: number[] = [];
  for (let partition = 0; partition < PARTITION_COUNT; partition++)
    if ((bitmap[partition >>> 3] ?? 0) & (1 << (partition & 7))) partitions.push(partition);
  return partitions;
}

/** The largest chunk that the protocol allows. */
const MAX_CHUNK_BYTES = 64 * 1024;

/**
 * The largest chunk that a node sends: a call that is sent behind one waits for no more bytes than these. With its head, a chunk
 * fits one read of a socket, which is 64 KiB, so that the reader need not copy it.
 */
export const SENT_CHUNK_BYTES = MAX_CHUNK_BYTES - FRAME_HEADER_BYTES - MAX_VARINT_BYTES;

const SCAN = 1;
const STATS = 2;

const HAS_PREFIX = 1;
const PREFIX_BINARY = 2;
const META = 4;
const ITEMS = 8;
const HAS_PARTITIONS = 16;
const HAS_EPOCH = 32;
const NO_VALUES = 64;

const BITMAP_BYTES = PARTITION_COUNT / 8;
const OPEN_BYTES = 3 * MAX_VARINT_BYTES + 2 + INTEGER_BYTES + BITMAP_BYTES;
