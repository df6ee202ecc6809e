import type { Buffer } from 'node:buffer';
import { PARTITION_FUNCTION, type Limits } from '@kvs/protocol';
import { INTEGER_BYTES, MAX_VARINT_BYTES, type FrameBuilder } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { FRAME, LinkProtocolError } from './frame.js';

/** The limits of one end of a link, which it says first. */
export interface LinkLimits {
  /** Largest frame, in bytes with its header; at least 131,072. */
  readonly maxFrameBytes: number;
  /** Most calls that may be unanswered at once. */
  readonly maxCallsInFlight: number;
  /** Most bytes of calls that may be unanswered at once, as {@link weightOf} counts them. */
  readonly maxBytesInFlight: number;
}

/** Which pairs a node of a cluster holds. Each is 1 to {@link MAX_IDENTITY_UNITS} UTF-16 units. */
export interface PeerIdentity {
  readonly clusterId: string;
  /** Identifies the pairs that the process holds. */
  readonly bootId: string;
}

/** The first frame of each end of a link. */
export interface Hello extends LinkLimits {
  /** Absent for proxies, and for nodes that are of no cluster. */
  readonly identity?: PeerIdentity;
}

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

export function encodeHello(builder: FrameBuilder, { identity, ...limits }: Hello): Buffer {
  const { clusterId = '', bootId = '' } = identity ?? {};
  builder.begin(FRAME.hello);
  builder.reserve(3 * (INTEGER_BYTES + MAX_VARINT_BYTES));
  builder.integer(limits.maxFrameBytes);
  builder.integer(limits.maxCallsInFlight);
  builder.integer(limits.maxBytesInFlight);
  for (const text of [PARTITION_FUNCTION, clusterId, bootId]) {
    builder.varint(text.length);
    builder.text(text);
  }
  return builder.finish();
}

/**
 * Reads the hello of the other end. Ignores numbers that a later version may add.
 *
 * @throws LinkProtocolError also if the other end computes partitions in another way
 */
export function decodeHello(cursor: FrameCursor): Hello {
  const maxFrameBytes = cursor.integer();
  const maxCallsInFlight = cursor.integer();
  const maxBytesInFlight = cursor.integer();
  const partitionFunction = cursor.text(cursor.varint());
  if (partitionFunction !== PARTITION_FUNCTION) {
    const actual = JSON.stringify(partitionFunction.slice(0, MAX_IDENTITY_UNITS));
    throw new LinkProtocolError(
      `the other end computes partitions by ${actual}, not by ${PARTITION_FUNCTION}`,
    );
  }
  const identity = readIdentity(cursor);
  if (maxFrameBytes < MIN_FRAME_BYTES || maxCallsInFlight < 1 || maxBytesInFlight < 1) {
    throw new LinkProtocolError('the limits of a hello are too low');
  }
  return { maxFrameBytes, maxCallsInFlight, maxBytesInFlight, ...(identity && { identity }) };
}

/** @throws LinkProtocolError if the other end is of another cluster, or of none */
export function checkCluster({ identity }: Hello, clusterId: string): void {
  if (identity?.clusterId === clusterId) return;
  const actual = identity === undefined ? 'no cluster' : `the cluster ${JSON.stringify(identity.clusterId)}`;
  throw new LinkProtocolError(`it is of ${actual}, not of the cluster ${JSON.stringify(clusterId)}`);
}

function readIdentity(cursor: FrameCursor): PeerIdentity | undefined {
  const [clusterId, bootId] = [cursor.text(cursor.varint()), cursor.text(cursor.varint())];
  if (clusterId === '' && bootId === '') return undefined;
  if (clusterId === '' || bootId === '') throw new LinkProtocolError('a node says only half of its identity');
  if (Math.max(clusterId.length, bootId.length) > MAX_IDENTITY_UNITS)
    throw new LinkProtocolError('the identity of a node is too long');
  return { clusterId, bootId };
}

/** The bytes of a frame with one pair besides the pair. */
const FRAME_ROOM_BYTES = 1024;
/** The longest id of a cluster or of the pairs of a process, in UTF-16 units. */
const MAX_IDENTITY_UNITS = 128;

/** Each end takes the largest chunk of a stream, and refusals. */
const MIN_FRAME_BYTES = 128 * 1024;
