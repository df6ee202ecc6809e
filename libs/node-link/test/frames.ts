import { DEFAULT_LIMITS, partitionOf, type Key } from '@kvs/protocol';
import type { BatchPart } from '../src/batch-parts.js';
import { keysOf, type Batch, type OpenCall, type RoutedBatch } from '../src/batch.js';
import { AnswerReader, type Answer, type Answered } from '../src/codec/answers.js';
import { decodeCalls, putCall, type CallRoom, type DecodedCall } from '../src/codec/calls.js';
import { FrameBuilder } from '../src/codec/frame-builder.js';
import type { FrameCursor } from '../src/codec/frame-cursor.js';
import { FrameReader } from '../src/codec/frame-reader.js';
import { FRAME, type FrameType } from '../src/codec/frame.js';
import type { ItemLimits } from '../src/codec/item-checks.js';

export const MAX_FRAME_BYTES = 64 * 1024;

/** Returns the results of `read` for each frame in these bytes. */
export function readFrames<T>(bytes: Buffer, read: (cursor: FrameCursor, type: FrameType) => T): T[] {
  const results: T[] = [];
  new FrameReader(MAX_FRAME_BYTES, (type, cursor) => results.push(read(cursor, type))).push(bytes);
  return results;
}

/** The items of one operation as one part of a batch. */
export function partOf<T extends Key | { readonly key: Key }>(
  items: readonly T[],
  weight: number,
): BatchPart<T> {
  return { items, partitions: items.map((item) => partitionOf('key' in item ? item.key : item)), weight };
}

/** The batch as a router sends it. */
export function routed(batch: Batch, epoch = 0): RoutedBatch {
  return { ...batch, partitions: keysOf(batch).map(partitionOf), epoch };
}

/** Returns a frame of calls. */
export function encodeCalls(
  builder: FrameBuilder,
  calls: readonly { readonly id: number; readonly batch: Batch; readonly epoch?: number }[],
): Buffer {
  builder.begin(FRAME.calls);
  for (const { id, batch, epoch } of calls) putCall(builder, id, routed(batch, epoch));
  return builder.finish();
}

/** Returns a frame of anything: numbers as varints, bytes as they are, and text. */
export function frameOf(type: FrameType, parts: readonly (number | Uint8Array)[], text = ''): Buffer {
  const builder = new FrameBuilder();
  builder.begin(type);
  builder.reserve(10 * parts.length);
  for (const part of parts) {
    if (typeof part === 'number') builder.varint(part);
    else builder.bytes(part);
  }
  builder.text(text);
  return builder.finish();
}

/** Returns the bytes of an integer. */
export function integer(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** As a node without limits on what is unanswered. */
export const BOUNDLESS: CallRoom = { calls: Infinity, bytes: Infinity, isIdle: true };

export function readCalls(
  bytes: Buffer,
  limits: ItemLimits = DEFAULT_LIMITS,
  room = BOUNDLESS,
): DecodedCall[] {
  return readFrames(bytes, (cursor) => decodeCalls(cursor, limits, room)).flat();
}

/** Reads answers into the open calls that `callOf` finds by id. */
export function readAnswers(
  frames: readonly Buffer[],
  callOf: (id: number) => OpenCall | undefined,
): Answered<OpenCall>[] {
  const reader = new AnswerReader(callOf);
  return frames.flatMap((bytes) => readFrames(bytes, (cursor) => reader.read(cursor)).flat());
}

/** The call that such an answer is to. */
export function callFor(answer: Answer): OpenCall {
  const key = { encoding: 'string', data: 'k' };
  const kind = 'refusal' in answer ? 'fetch' : answer.kind;
  const count = 'refusal' in answer ? 1 : answer.outcomes.length;
  // The kind is known only at run time, so the compiler can't relate the items to it. No test looks at the items.
  return { kind, items: new Array(count).fill(key), outcomes: [] } as unknown as OpenCall;
}
