/**
 * Most bytes of a UTF-16 unit of text in UTF-8. What is far from a limit need not be counted: to count is to read the text
 * once more.
 */
export const MAX_BYTES_PER_UNIT = 3;

/** Whether text of so many UTF-16 units may have more bytes than that, and has to be counted. */
export function mayExceed(units: number, bytes: number): boolean {
  return MAX_BYTES_PER_UNIT * units > bytes;
}
