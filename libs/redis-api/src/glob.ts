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

/** A pattern as KEYS takes it: `*`, `?`, `[a-c]`, `[^a]`, and `\` before a byte that means itself. */
export class Glob {
  /** For each part: the byte that it matches, ANY or MANY, or CLASS and more for the class of that number. */
  readonly #parts: number[] = [];
  /** The bytes of each class, as 256 bits. */
  readonly #classes: Uint8Array;

  constructor(pattern: Buffer) {
    this.#classes = new Uint8Array(CLASS_BYTES * pattern.filter((byte) => byte === OPEN).length);
    let classCount = 0;
    for (let at = 0; at < pattern.length; at++) {
      const first = pattern[at] ?? 0;
      if (first === STAR) this.#parts.push(MANY);
      else if (first === QUESTION) this.#parts.push(ANY);
      else if (first === OPEN) {
        const bits = this.#classes.subarray(classCount * CLASS_BYTES, (classCount + 1) * CLASS_BYTES);
        this.#parts.push(CLASS + classCount++);
        at = readClass(pattern, at + 1, bits);
      } else this.#parts.push(first === BACKSLASH && at + 1 < pattern.length ? (pattern[++at] ?? 0) : first);
    }
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
      if (parts[at] === MANY) {
        star = ++at;
        starTakes = next;
      } else if (this.#matchesOne(parts[at], bytes[next] ?? 0)) {
        at++;
        next++;
      } else if (star === -1) {
        return false;
      } else {
        at = star;
        next = ++starTakes;
      }
    }
    while (parts[at] === MANY) at++;
    return at === parts.length;
  }

  #matchesOne(part: number | undefined, byte: number): boolean {
    if (part === undefined || part < CLASS) return part === byte || part === ANY;
    return hasBit(this.#classes, (part - CLASS) * CLASS_BYTES * 8 + byte);
  }
}

/**
 * Sets the bits of the bytes that are in a class.
 *
 * @param from behind the opening bracket
 * @returns where the closing bracket is. A class that isn't closed ends with the pattern
 */
function readClass(pattern: Buffer, from: number, bits: Uint8Array): number {
  const isNegated = pattern[from] === CARET;
  const add = (one = 0, other = one): void => {
    for (let byte = Math.min(one, other); byte <= Math.max(one, other); byte++) setBit(bits, byte);
  };
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
  if (isNegated) bits.forEach((byte, i) => (bits[i] = ~byte));
  return at;
}

function hasBit(bits: Uint8Array, at: number): boolean {
  return ((bits[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0;
}

function setBit(bits: Uint8Array, at: number): void {
  bits[at >>> 3] = (bits[at >>> 3] ?? 0) | (1 << (at & 7));
}

/** Parts of a pattern. Smaller numbers are bytes. */
const [ANY, MANY, CLASS] = [256, 257, 258];
const CLASS_BYTES = 32;
/** Room for a `\\` before each byte of a key, or for a class in place of some. */
const PATTERN_KEYS = 4;
const [STAR, QUESTION, OPEN, CLOSE, CARET, DASH, BACKSLASH] = Buffer.from('*?[]^-\\');
