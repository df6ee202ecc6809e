import type { Buffer } from 'node:buffer';
import { PARTITION_FUNCTION, type Limits } from '@kvs/protocol';
import type { FrameBuilder } from './frame-builder.js';
import { INTEGER_BYTES, MAX_VARINT_BYTES } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { FRAME, FRAME_HEADER_BYTES, type FrameType, LinkProtocolError } from './frame.js';

/** The limits of one end of a link, which it says first. */
export interface LinkLimits {
  /** Largest frame, in bytes with its header. */
  readonly maxFrameBytes: number;
  /** Most calls that may be unanswered at once. */
  readonly maxCallsInFlight: number;
  /** Most bytes of calls that may be unanswered at once, as {@link weightOf} counts them. */
  readonly maxBytesInFlight: number;
}

/** What one end of a link says first. */
export type Hello = LinkLimits;

/**
 * The largest frame that an end must take so that pairs of any size that is allowed fit.
 *
 * @returns bytes
 */
export function largestFrameBytes({ maxKeyBytes, maxValueBytes }: PairLimits): number {
  // Hexadecimal digits take two bytes to the byte.
  return 2 * (maxKeyBytes + maxValueBytes) + FRAME_ROOM_BYTES;
}

/** How large a pair may be. */
export type PairLimits = Pick<Limits, 'maxKeyBytes' | 'maxValueBytes'>;

export function encodeHello(builder: FrameBuilder, limits: LinkLimits): Buffer {
  builder.begin(FRAME.hello);
  builder.reserve(3 * INTEGER_BYTES + MAX_VARINT_BYTES);
  builder.integer(limits.maxFrameBytes);
  builder.integer(limits.maxCallsInFlight);
  builder.integer(limits.maxBytesInFlight);
  builder.varint(PARTITION_FUNCTION.length);
  builder.text(PARTITION_FUNCTION);
  return builder.finish();
}

/**
 * Reads the limits of the other end. Ignores numbers that a later version may add.
 *
 * @throws LinkProtocolError also if the other end computes partitions in another way
 */
export function decodeHello(cursor: FrameCursor): LinkLimits {
  const maxFrameBytes = cursor.integer();
  const maxCallsInFlight = cursor.integer();
  const maxBytesInFlight = cursor.integer();
  const partitionFunction = cursor.text(cursor.varint());
  if (partitionFunction !== PARTITION_FUNCTION) {
    throw new LinkProtocolError(
      `the other end computes partitions by ${JSON.stringify(partitionFunction)}, not by ${PARTITION_FUNCTION}`,
    );
  }
  if (maxFrameBytes < MIN_FRAME_BYTES || maxCallsInFlight < 1 || maxBytesInFlight < 1) {
    throw new LinkProtocolError('the limits of a hello leave no room for a call');
  }
  return { maxFrameBytes, maxCallsInFlight, maxBytesInFlight };
}

/** A frame of one of the types that carry nothing. */
export function encodeSignal(builder: FrameBuilder, type: FrameType): Buffer {
  builder.begin(type);
  return builder.finish();
}

/** The bytes of a frame with one pair besides the pair. */
const FRAME_ROOM_BYTES = 1024;
const MIN_FRAME_BYTES = FRAME_HEADER_BYTES + 1024;
