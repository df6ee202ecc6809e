import { byteLength } from './encoding.js';
import { KvsError } from './errors.js';
import type { Key } from './key.js';
import type { FetchOutcome } from './operations.js';

/**
 * Checks the keys and values of an answer by size before they become text: the text of all could be larger than a string
 * can be.
 *
 * @throws KvsError `answer_too_large`, also where that is what one node said of its share: what is too much for one to
 * answer is too much in all, and is told as it is where there is no proxy
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
  // A UTF-16 unit takes three bytes at the most: few answers need be counted.
  if (units * 3 <= maxBytes) return;
  let bytes = 0;
  for (const key of keys) bytes += byteLength(key);
  for (const outcome of outcomes) if (outcome.ok && outcome.entry) bytes += byteLength(outcome.entry.value);
  if (bytes <= maxBytes) return;
  throw new KvsError(
    'answer_too_large',
    `the answer would have ${bytes} bytes, at most ${maxBytes} are allowed; ask for fewer keys at a time`,
  );
}
