import type { Limits } from '@kvs/protocol';
import { RedisError } from './reply.js';

/**
 * Checks the bytes of patterns before they are matched, because a class makes each of its bytes a comparison with each byte of the
 * key.
 *
 * @throws RedisError if they are too long together
 */
export function checkPatterns(patterns: readonly Buffer[], { maxKeyBytes }: Limits): void {
  const max = PATTERN_KEYS * maxKeyBytes;
  if (patterns.reduce((sum, { length }) => sum + length, 0) > max)
    throw new RedisError('ERR', `patterns have at most ${max} bytes, ${PATTERN_KEYS} times as many as a key`);
}

/**
 * Returns whether bytes match a pattern as KEYS takes it: `*`, `?`, `[a-c]`, `[^a]`, and `\` before a byte that means itself.
 * O(length of the pattern × length of the bytes).
 */
export function matchesGlob(pattern: Buffer, bytes: Buffer): boolean {
  let at = 0;
  let next = 0;
  /** Where to go on if there is no match: behind the last `*`, which then takes a byte more. */
  let star = -1;
  let starTakes = 0;
  while (next < bytes.length) {
    if (pattern[at] === STAR) {
      star = ++at;
      starTakes = next;
      continue;
    }
    const end = matchOne(pattern, at, bytes[next] ?? 0);
    if (end !== undefined) {
      at = end;
      next++;
    } else if (star === -1) {
      return false;
    } else {
      at = star;
      next = ++starTakes;
    }
  }
  while (pattern[at] === STAR) at++;
  return at === pattern.length;
}

/** Returns the end of the part of the pattern that matches the byte; undefined if it doesn't match. */
function matchOne(pattern: Buffer, at: number, byte: number): number | undefined {
  const first = pattern[at];
  if (first === undefined) return undefined;
  if (first === QUESTION) return at + 1;
  if (first === OPEN) return matchClass(pattern, at + 1, byte);
  const isEscaped = first === BACKSLASH && at + 1 < pattern.length;
  const literal = isEscaped ? pattern[at + 1] : first;
  return literal === byte ? at + (isEscaped ? 2 : 1) : undefined;
}

/** @param from behind the opening bracket. A class that isn't closed ends with the pattern. */
function matchClass(pattern: Buffer, from: number, byte: number): number | undefined {
  const isNegated = pattern[from] === CARET;
  let at = isNegated ? from + 1 : from;
  let isIn = false;
  while (at < pattern.length && pattern[at] !== CLOSE) {
    if (pattern[at] === BACKSLASH && at + 1 < pattern.length) {
      at++;
      if (pattern[at] === byte) isIn = true;
      at++;
    } else if (pattern[at + 1] === DASH && at + 2 < pattern.length) {
      const [one = 0, other = 0] = [pattern[at], pattern[at + 2]];
      if (byte >= Math.min(one, other) && byte <= Math.max(one, other)) isIn = true;
      at += 3;
    } else {
      if (pattern[at] === byte) isIn = true;
      at++;
    }
  }
  return isIn === isNegated ? undefined : Math.min(at + 1, pattern.length);
}

/** Room for a `\\` before each byte of a key, or for a class in place of some. */
const PATTERN_KEYS = 4;
const [STAR, QUESTION, OPEN, CLOSE, CARET, DASH, BACKSLASH] = Buffer.from('*?[]^-\\');
