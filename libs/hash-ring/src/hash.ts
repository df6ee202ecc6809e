import { HashRingError } from './errors.js';
import { scalarValueAt, utf8Byte, utf8Size } from './utf8.js';

/** Looked up once, because in a vm context, in which tests run, looking up a global takes a hundred times longer. */
const { imul } = Math;

/** The seeds of the two hashes of a node's id: "kvs1" and "kvs2" in ASCII. Other seeds would move keys. */
export const NODE_SEED_1 = 0x6b767331;
export const NODE_SEED_2 = 0x6b767332;

/**
 * A 32-bit hash of a key, the same on every machine. A ring takes the result modulo 2³². A hash without a seed may
 * ignore `seed`.
 */
export type Hash32 = (input: string | Uint8Array, seed?: number) => number;

/**
 * Returns the MurmurHash3 x86_32 of bytes (Austin Appleby, public domain, SMHasher `MurmurHash3.cpp`).
 *
 * A string is hashed as its UTF-8 bytes. They are encoded on the fly, so nothing is allocated. A lone surrogate
 * hashes as U+FFFD, as `TextEncoder` encodes it, so `hash32(s)` equals `hash32(encoder.encode(s))` for every string.
 * O(length).
 *
 * @param seed taken modulo 2³²
 * @returns an unsigned 32-bit integer
 * @throws HashRingError `invalid_key` if the input is neither a string nor a `Uint8Array`
 */
export function hash32(input: string | Uint8Array, seed = 0): number {
  return typeof input === 'string' ? hashString(input, seed) : hashBytes(checkKey(input), seed);
}

/**
 * Returns the hash of keys for a strategy: {@link hash32}, or the given hash with a check of its keys.
 *
 * @throws HashRingError `invalid_option` if it is not a function
 */
export function keyHash(hash: Hash32 = hash32): Hash32 {
  if (typeof hash !== 'function') throw new HashRingError('invalid_option', 'hash is not a function');
  return hash === hash32 ? hash : (key) => hash(checkKey(key)) >>> 0;
}

/** Checks the tag, because bytes of another realm are no instance of this realm's `Uint8Array`. */
export function checkKey<K extends string | Uint8Array>(key: K): K {
  if (typeof key === 'string' || Object.prototype.toString.call(key) === '[object Uint8Array]') return key;
  throw new HashRingError('invalid_key', 'a key is a string or a Uint8Array');
}

function hashBytes(bytes: Uint8Array, seed: number): number {
  const length = bytes.length;
  const wholeWords = length & ~3;
  let h = seed | 0;
  let at = 0;
  while (at < wholeWords) {
    h = mixWord(
      h,
      byte(bytes, at) |
        (byte(bytes, at + 1) << 8) |
        (byte(bytes, at + 2) << 16) |
        (byte(bytes, at + 3) << 24),
    );
    at += 4;
  }
  let tail = 0;
  for (let shift = 0; at < length; shift += 8) tail |= byte(bytes, at++) << shift;
  return finish(h ^ scramble(tail), length);
}

/**
 * Most keys are ASCII, so four characters make a word. Checking once, at the end, whether they were is the fastest.
 * The mixing is written out, because calls would exceed what V8 inlines into a look-up.
 */
function hashString(text: string, seed: number): number {
  const length = text.length;
  const wholeWords = length & ~3;
  let h = seed | 0;
  let all = 0;
  let at = 0;
  while (at < wholeWords) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    all |= a | b | c | d;
    const word = imul(a | (b << 8) | (c << 16) | (d << 24), 0xcc9e2d51);
    h ^= imul((word << 15) | (word >>> 17), 0x1b873593);
    h = (imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
    at += 4;
  }
  if (at < length) {
    let tail = 0;
    for (let shift = 0; at < length; shift += 8) {
      const code = text.charCodeAt(at++);
      all |= code;
      tail |= code << shift;
    }
    h ^= scramble(tail);
  }
  return all > 0x7f ? hashUtf8(text, seed) : avalanche(h ^ length);
}

function hashUtf8(text: string, seed: number): number {
  let h = seed | 0;
  let byteCount = 0;
  let word = 0;
  for (let at = 0; at < text.length; at++) {
    const point = scalarValueAt(text, at);
    if (point > 0xffff) at++;
    const size = utf8Size(point);
    for (let index = 0; index < size; index++) {
      word |= utf8Byte(point, size, index) << ((byteCount & 3) * 8);
      byteCount++;
      if ((byteCount & 3) === 0) {
        h = mixWord(h, word);
        word = 0;
      }
    }
  }
  return finish(h ^ scramble(word), byteCount);
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

function mixWord(h: number, word: number): number {
  h ^= scramble(word);
  h = (h << 13) | (h >>> 19);
  return (imul(h, 5) + 0xe6546b64) | 0;
}

function scramble(word: number): number {
  word = imul(word, 0xcc9e2d51);
  word = (word << 15) | (word >>> 17);
  return imul(word, 0x1b873593);
}

function finish(h: number, byteCount: number): number {
  return avalanche(h ^ byteCount);
}

/** MurmurHash3's finalizer `fmix32`: a bijection of 32 bits in which every input bit reaches every output bit. */
export function avalanche(h: number): number {
  h ^= h >>> 16;
  h = imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
