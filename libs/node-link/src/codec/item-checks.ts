import {
  brandKey,
  brandValue,
  byteLength,
  canonicalData,
  isValidData,
  PARTITION_COUNT,
  type Encoding,
  type ErrorCode,
  type Key,
  type Limits,
  type Value,
} from '@kvs/protocol';
import { mayExceed } from './frame-builder.js';
import type { FrameCursor } from './frame-cursor.js';
import { LinkProtocolError } from './frame.js';

/** The limits that items are held to. */
export type ItemLimits = Pick<Limits, 'maxKeyBytes' | 'maxValueBytes' | 'maxBatchItems'>;

/**
 * The rules of the protocol's guard, for data that was not JSON. A property test holds the two to the same verdict.
 *
 * @param wide whether the text may hold more than Latin-1; if not, it can't hold a lone surrogate
 * @returns the key in canonical form, or what is wrong with it
 */
export function checkKey(
  encoding: Encoding,
  data: string,
  wide: boolean,
  { maxKeyBytes }: ItemLimits,
): Key | ErrorCode {
  if (data === '') return 'empty_key';
  if ((wide || encoding === 'binary') && !isValidData(encoding, data)) return 'invalid_data';
  const key = { encoding, data: canonicalData(encoding, data) };
  return isLonger(key, maxKeyBytes) ? 'key_too_long' : brandKey(key);
}

/** As {@link checkKey}. */
export function checkValue(
  encoding: Encoding,
  data: string,
  wide: boolean,
  maxValueBytes: number,
): Value | ErrorCode {
  if ((wide || encoding === 'binary') && !isValidData(encoding, data)) return 'invalid_data';
  const value = { encoding, data: canonicalData(encoding, data) };
  return isLonger(value, maxValueBytes) ? 'value_too_large' : brandValue(value);
}

/**
 * Reads a value of any size.
 *
 * @throws LinkProtocolError if it is not valid in its encoding
 */
export function readValue(cursor: FrameCursor, encoding: Encoding, units: number): Value {
  const value = checkValue(encoding, cursor.text(units), cursor.wide, Infinity);
  if (typeof value === 'string') throw new LinkProtocolError('a value is not valid in its encoding');
  return value;
}

/** @throws LinkProtocolError if there is no such partition */
export function readPartition(cursor: FrameCursor): number {
  const partition = cursor.varint();
  if (partition >= PARTITION_COUNT) throw new LinkProtocolError(`there is no partition ${partition}`);
  return partition;
}

/** @throws LinkProtocolError if it is not from 1 to 2⁵³ − 1 */
export function readEpoch(cursor: FrameCursor): number {
  const epoch = cursor.integer();
  if (epoch === 0 || !Number.isSafeInteger(epoch))
    throw new LinkProtocolError('an epoch is out of its range');
  return epoch;
}

function isLonger(data: { encoding: Encoding; data: string }, maxBytes: number): boolean {
  return mayExceed(data.data.length, maxBytes) && byteLength(data) > maxBytes;
}
