import { getRandomValues } from 'node:crypto';

/**
 * HalfSipHash-1-3 with 32 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", and its
 * reference implementation, `halfsiphash.c`). Without the key, nobody can choose texts that collide, so stored keys
 * can't make a hash table slow.
 *
 * @param wordRounds for each word of input
 * @param finalRounds at the end. The vectors of the reference are for 2 and 4.
 */
export function halfSipHash(
  bytes: Uint8Array,
  length: number,
  key: HashKey,
  wordRounds = 1,
  finalRounds = 3,
): number {
  let v0 = key[0];
  let v1 = key[1];
  let v2 = key[0] ^ 0x6c796765;
  let v3 = key[1] ^ 0x74656462;
  const wholeWords = length - (length % 4);
  for (let at = 0; at <= wholeWords + 4; at += 4) {
    const isFinal = at > wholeWords;
    const word = isFinal ? 0 : wordAt(bytes, at, length);
    if (isFinal) v2 ^= 0xff;
    v3 ^= word;
    for (let round = isFinal ? finalRounds : wordRounds; round > 0; round--) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}

export type HashKey = readonly [number, number];

export function randomHashKey(): HashKey {
  const [first = 0, second = 0] = getRandomValues(new Uint32Array(2));
  return [first, second];
}

/** Four bytes, least significant first. The last word has the remaining bytes and, on top, the length. */
function wordAt(bytes: Uint8Array, at: number, length: number): number {
  const left = length - at;
  if (left >= 4) {
    return (
      byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24)
    );
  }
  let word = (length & 0xff) << 24;
  for (let i = 0; i < left; i++) word |= byte(bytes, at + i) << (8 * i);
  return word;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
