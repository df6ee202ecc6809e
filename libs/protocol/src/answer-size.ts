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
  { bytesOf, maxBytesPerUnit }: Measure = IN_MEMORY,
): void {
  let units = 0;
  for (const { data } of keys) units += data.length;
  for (const outcome of outcomes) {
    if (!outcome.ok && outcome.code === 'answer_too_large') throw new KvsError(outcome.code, outcome.message);
    if (outcome.ok && outcome.entry) units += outcome.entry.value.data.length;
  }
  // Most answers need not be counted exactly.
  if (units * maxBytesPerUnit <= maxBytes) return;
  let bytes = 0;
  for (const key of keys) bytes += bytesOf(key);
  for (const outcome of outcomes) if (outcome.ok && outcome.entry) bytes += bytesOf(outcome.entry.value);
  if (bytes > maxBytes) throw answerTooLarge(maxBytes);
}

/**
 * As {@link refuseHugeAnswer}, for an answer that becomes JSON. Characters that JSON must escape count as the up to six bytes that they
 * become. In the answer about one key they count as they are, because the client can't ask for less.
 */
export function refuseHugeJson(
  keys: readonly Key[],
  outcomes: readonly FetchOutcome[],
  maxBytes: number,
): void {
  refuseHugeAnswer(keys, outcomes, maxBytes, keys.length > 1 ? IN_JSON : IN_MEMORY);
}

/** How data are counted. */
interface Measure {
  readonly bytesOf: (data: EncodedData) => number;
  /** Max bytes per UTF-16 unit. */
  readonly maxBytesPerUnit: number;
}

const IN_MEMORY: Measure = { bytesOf: byteLength, maxBytesPerUnit: 3 };
const IN_JSON: Measure = { bytesOf: (data) => byteLength(data) + escapeBytes(data), maxBytesPerUnit: 6 };

/** Returns how many bytes the escapes of JSON add. */
function escapeBytes({ encoding, data }: EncodedData): number {
  if (encoding !== 'string') return 0;
  let bytes = 0;
  for (let i = 0; i < data.length; i++) {
    const unit = data.charCodeAt(i);
    if (unit < ESCAPED_BYTES.length) bytes += ESCAPED_BYTES[unit] ?? 0;
  }
  return bytes;
}

/** By ASCII character, how many bytes longer JSON writes it: a backslash more, or `\u` and four digits. */
const ESCAPED_BYTES = Array.from(
  { length: 128 },
  (_, code) => JSON.stringify(String.fromCharCode(code)).length - 3,
);

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
