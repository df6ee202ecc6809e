import { byteLength, type EncodedData } from './encoding.js';
import { KvsError } from './errors.js';
import type { Key } from './key.js';
import type { FetchOutcome } from './operations.js';

/**
 * Checks the size of an answer's keys and values before they become text, because the text could be too large for a
 * string.
 *
 * @throws KvsError `answer_too_large`, also if one node refused its part for this reason: an answer that is too large
 * for one node is too large as a whole
 */
export function refuseHugeAnswer(
  keys: readonly Key[],
  outcomes: readonly FetchOutcome[],
  maxBytes: number,
): void {
  let units = 0;
  for (const { data } of keys) units += data.length;
  for (const outcome of outcomes) {
    if (!outcome.ok && outcome.code === 'answer_too_large') throw new KvsError(outcome.code, outcome.message);
    if (outcome.ok && outcome.entry) units += outcome.entry.value.data.length;
  }
  // A UTF-16 unit has at most three bytes, so most answers need not be counted exactly.
  if (units * 3 <= maxBytes) return;
  let bytes = 0;
  for (const key of keys) bytes += byteLength(key);
  for (const outcome of outcomes) if (outcome.ok && outcome.entry) bytes += byteLength(outcome.entry.value);
  if (bytes > maxBytes) throw answerTooLarge(maxBytes);
}

/** Returns the error of an answer that would have more than `maxBytes`. */
export function answerTooLarge(maxBytes: number): KvsError {
  const detail = `the answer would have more than ${maxBytes} bytes; ask for fewer keys at a time`;
  return new KvsError('answer_too_large', detail);
}

/** Returns at most the number of bytes of valid data, in constant time: a UTF-16 unit of text has at least one byte. */
export function leastBytes({ encoding, data }: EncodedData): number {
  return encoding === 'string' ? data.length : data.length / 2;
}

/**
 * Adds up the values of one answer as they arrive from nodes. An answer beyond the limit fails before all of its
 * values have been read.
 */
export class AnswerSize {
  #bytes = 0;
  #isExceeded = false;

  constructor(readonly maxBytes: number) {}

  /** Whether the values have exceeded the limit. Stays true when values are removed, because the request has failed. */
  get isExceeded(): boolean {
    return this.#isExceeded;
  }

  /** @param bytes of values that arrived, by {@link leastBytes}; negative for values of a call that failed */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.maxBytes) this.#isExceeded = true;
  }
}
