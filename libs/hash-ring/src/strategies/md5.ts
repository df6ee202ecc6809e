import { checkKey } from '../hash.js';
import { utf8 } from '../utf8.js';

/**
 * Returns the MD5 (RFC 1321) of the input, which ketama requires. Not for security.
 *
 * @returns the digest as four unsigned words, each of four bytes in little-endian order
 * @throws HashRingError `invalid_key` if the input is neither a string nor a `Uint8Array`
 */
export function md5(input: string | Uint8Array): [number, number, number, number] {
  const words = padded(typeof input === 'string' ? utf8(input) : checkKey(input));
  let [a, b, c, d] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let block = 0; block < words.length; block += 16) {
    const [oldA, oldB, oldC, oldD] = [a, b, c, d];
    for (let step = 0; step < 64; step++) {
      const round = step >> 4;
      const mixed =
        round === 0
          ? (b & c) | (~b & d)
          : round === 1
            ? (b & d) | (c & ~d)
            : round === 2
              ? b ^ c ^ d
              : c ^ (b | ~d);
      const index = ((WORD_FACTOR[round] ?? 0) * step + (WORD_START[round] ?? 0)) & 15;
      const sum = (a + mixed + (SINES[step] ?? 0) + (words[block + index] ?? 0)) | 0;
      const shift = SHIFTS[round * 4 + (step & 3)] ?? 0;
      [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0];
    }
    [a, b, c, d] = [(a + oldA) | 0, (b + oldB) | 0, (c + oldC) | 0, (d + oldD) | 0];
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
}

const WORD_FACTOR = [1, 5, 3, 7];
const WORD_START = [0, 1, 5, 0];
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

/** ⌊2³² · |sin(i + 1)|⌋, as the RFC lists them, so that no machine's `Math.sin` matters. */
// prettier-ignore
const SINES = [
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
];

/** Returns the message as little-endian words, followed by a 1 bit, zeros, and its length in bits. */
function padded(bytes: Uint8Array): Int32Array {
  const words = new Int32Array((((bytes.length + 8) >> 6) + 1) * 16);
  const put = (at: number, byte: number) => {
    words[at >> 2] = (words[at >> 2] ?? 0) | (byte << ((at & 3) * 8));
  };
  bytes.forEach((byte, at) => put(at, byte));
  put(bytes.length, 0x80);
  words[words.length - 2] = bytes.length << 3;
  words[words.length - 1] = bytes.length >>> 29;
  return words;
}
