// The characters that JSON escapes in a string, as `JSON.stringify` does: controls, `"` and `\`.

/** How many bytes one byte of text can become, as in `\u0000`. */
export const MAX_ESCAPED_BYTES = 6;

export function isEscaped(byte: number): boolean {
  return byte < SPACE || byte === QUOTE || byte === BACKSLASH;
}

/**
 * Returns whether any of four bytes must be escaped, by arithmetic on all four at once. The subtraction sets the top
 * bit of a byte that was too small, or from which such a byte borrowed. So the answer is exact for the word, but not
 * for each byte.
 */
export function holdsEscapes(four: number): boolean {
  const quotes = four ^ (QUOTE * EACH_BYTE);
  const backslashes = four ^ (BACKSLASH * EACH_BYTE);
  const tooSmall =
    ((four - SPACE * EACH_BYTE) & ~four) |
    ((quotes - EACH_BYTE) & ~quotes) |
    ((backslashes - EACH_BYTE) & ~backslashes);
  return (tooSmall & TOP_BITS) !== 0;
}

/**
 * Writes the escape of a byte.
 * @returns the position after it
 */
export function escapeByte(out: Uint8Array, at: number, byte: number): number {
  const escape = ESCAPES[byte] ?? '';
  for (let i = 0; i < escape.length; i++) out[at + i] = escape.charCodeAt(i);
  return at + escape.length;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const EACH_BYTE = 0x01010101;
const TOP_BITS = 0x80808080;

const ESCAPES = Array.from({ length: 128 }, (_, byte) =>
  JSON.stringify(String.fromCharCode(byte)).slice(1, -1),
);
