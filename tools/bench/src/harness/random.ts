/** Numbers from 0 to 2³² - 1, the same for the same seed: Mulberry32 (T. Ettinger, public domain). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Random strings of letters, digits, `-` and `_`, a byte per character, each flat in memory as read from a socket. */
export function randomKeys(count: number, length: number, seed: number): string[] {
  return randomTexts(count, length, seededRandom(seed));
}

/** As {@link randomKeys}, from a source that others use too. */
export function randomTexts(count: number, length: number, random: () => number): string[] {
  const bytes = Buffer.alloc(length);
  return Array.from({ length: count }, () => {
    for (let at = 0; at < length; at++) bytes[at] = ALPHABET.charCodeAt(random() >>> 26);
    return bytes.toString('latin1');
  });
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
