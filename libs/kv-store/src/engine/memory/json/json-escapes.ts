// The characters that JSON escapes in a string, as `JSON.stringify` does: controls, `"` and `\`.

/** By byte of UTF-8: the bytes of its escape, undefined if it has none. */
export const ESCAPES = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  const written = JSON.stringify(character).slice(1, -1);
  return written === character ? undefined : [...Buffer.from(written)];
});

/** How many bytes one byte of text can become, as in `\u0000`. */
export const MAX_ESCAPED_BYTES = 6;

/** Returns whether any of four bytes has an escape. */
export function holdsEscapes(four: number): boolean {
  return holdsLess(four, 0x20) || holdsLess(four ^ 0x22222222, 1) || holdsLess(four ^ 0x5c5c5c5c, 1);
}

/**
 * Returns whether any of four bytes is less than a bound up to 128, as in Anderson,
 * [Bit Twiddling Hacks](https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord).
 */
function holdsLess(four: number, bound: number): boolean {
  return ((four - bound * 0x01010101) & ~four & 0x80808080) !== 0;
}
