/** Returns numbers from 0 to 2³² - 1, the same for the same seed: Mulberry32 (T. Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Returns random strings of letters, digits, `-` and `_`, each flat in memory like a string from a socket. */
export function randomKeys(count: number, length: number, seed: number): string[] {
  return randomTexts(count, length, seededRandom(seed));
}

/** Like {@link randomKeys}, with a shared source of random numbers. */
export function randomTexts(count: number, length: number, random: () => number): string[] {
  const bytes = Buffer.alloc(length);
  return Array.from({ length: count }, () => {
    for (let at = 0; at < length; at++) bytes[at] = ALPHABET.charCodeAt(random() >>> 26);
    return bytes.toString('latin1');
  });
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
