import type { Limits } from '@kvs/protocol';
import { RedisError } from './reply.js';

/**
 * Checks the bytes of patterns before they are matched, because each part may be compared with each byte of the key.
 *
 * @throws RedisError if they are too long together
 */
export function checkPatterns(patterns: readonly Buffer[], { maxKeyBytes }: Limits): void {
  const max = PATTERN_KEYS * maxKeyBytes;
  if (patterns.reduce((sum, { length }) => sum + length, 0) > max)
    throw new RedisError('ERR', `patterns have at most ${max} bytes, ${PATTERN_KEYS} times as many as a key`);
}

/** A part of a pattern that matches one byte: this byte, any byte, or those of a class. A `*` matches any number of bytes. */
type Part = number | 'any' | '*' | ByteClass;

/** Which of the 256 bytes are in a class: 1 for those that are. */
type ByteClass = Uint8Array;

/** A pattern as KEYS takes it: `*`, `?`, `[a-c]`, `[^a]`, and `\` before a byte that means itself. */
export class Glob {
  readonly #parts: readonly Part[];

  constructor(pattern: Buffer) {
    this.#parts = partsOf(pattern);
  }

  /** O(number of parts × length of the bytes). */
  matches(bytes: Buffer): boolean {
    const parts = this.#parts;
    let at = 0;
    let next = 0;
    /** Where to go on if there is no match: behind the last `*`, which then takes a byte more. */
    let star = -1;
    let starTakes = 0;
    while (next < bytes.length) {
      if (parts[at] === '*') {
        star = ++at;
        starTakes = next;
      } else if (matchesOne(parts[at], bytes[next] ?? 0)) {
        at++;
        next++;
      } else if (star === -1) {
        return false;
      } else {
        at = star;
        next = ++starTakes;
      }
    }
    while (parts[at] === '*') at++;
    return at === parts.length;
  }
}

function matchesOne(part: Part | undefined, byte: number): boolean {
  if (typeof part === 'number') return part === byte;
  return part === 'any' || (part instanceof Uint8Array && part[byte] === 1);
}

function partsOf(pattern: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const first = pattern[at] ?? 0;
    if (first === STAR) parts.push('*');
    else if (first === QUESTION) parts.push('any');
    else if (first === OPEN) {
      const { bytes, end } = readClass(pattern, at + 1);
      parts.push(bytes);
      at = end;
    } else if (first === BACKSLASH && at + 1 < pattern.length) parts.push(pattern[++at] ?? 0);
    else parts.push(first);
  }
  return parts;
}

/**
 * @param from behind the opening bracket
 * @returns where the closing bracket is. A class that isn't closed ends with the pattern
 */
function readClass(pattern: Buffer, from: number): { readonly bytes: ByteClass; readonly end: number } {
  const isNegated = pattern[from] === CARET;
  const bytes = new Uint8Array(256).fill(isNegated ? 1 : 0);
  const add = (one = 0, other = one): void =>
    void bytes.fill(isNegated ? 0 : 1, Math.min(one, other), Math.max(one, other) + 1);
  let at = isNegated ? from + 1 : from;
  while (at < pattern.length && pattern[at] !== CLOSE) {
    if (pattern[at] === BACKSLASH && at + 1 < pattern.length) {
      add(pattern[at + 1]);
      at += 2;
    } else if (pattern[at + 1] === DASH && at + 2 < pattern.length) {
      add(pattern[at], pattern[at + 2]);
      at += 3;
    } else {
      add(pattern[at]);
      at++;
    }
  }
  return { bytes, end: at };
}

/** Room for a `\\` before each byte of a key, or for a class in place of some. */
const PATTERN_KEYS = 4;
const [STAR, QUESTION, OPEN, CLOSE, CARET, DASH, BACKSLASH] = Buffer.from('*?[]^-\\');
