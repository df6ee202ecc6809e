import { ProtocolError } from './protocol-error.js';

/**
 * Returns the words of a line that somebody typed, such as `set greeting "hello world"`. In double quotes, `\n`, `\r`, `\t`,
 * `\b`, `\a` and `\x41` stand for bytes; in single quotes, only `\'` does. O(length).
 *
 * @throws ProtocolError if a quote is not closed, or if something follows it
 */
export function inlineArguments(line: Buffer): Buffer[] {
  const words: Buffer[] = [];
  let at = 0;
  for (;;) {
    while (isSpace(line[at])) at++;
    if (at >= line.length) return words;
    const bytes: number[] = [];
    at = readWord(line, at, bytes);
    words.push(Buffer.from(bytes));
  }
}

/** Adds the bytes of a word. Returns where the word ends. */
function readWord(line: Buffer, start: number, bytes: number[]): number {
  let at = start;
  while (at < line.length && !isSpace(line[at])) {
    const byte = line[at] ?? 0;
    if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return readQuoted(line, at + 1, byte, bytes);
    bytes.push(byte);
    at++;
  }
  return at;
}

/** Adds the bytes up to the closing quote, which ends the word. Returns where the word ends. */
function readQuoted(line: Buffer, start: number, quote: number, bytes: number[]): number {
  let at = start;
  while (at < line.length) {
    const byte = line[at] ?? 0;
    if (byte === quote) {
      if (at + 1 < line.length && !isSpace(line[at + 1])) break;
      return at + 1;
    }
    const escaped = byte === BACKSLASH ? line[at + 1] : undefined;
    if (escaped === undefined || (quote === SINGLE_QUOTE && escaped !== SINGLE_QUOTE)) {
      bytes.push(byte);
      at++;
      continue;
    }
    const digits = line.toString('latin1', at + 2, at + 4);
    if (escaped === LETTER_X && HEX_BYTE.test(digits)) {
      bytes.push(Number.parseInt(digits, 16));
      at += 4;
    } else {
      bytes.push(ESCAPES.get(escaped) ?? escaped);
      at += 2;
    }
  }
  throw new ProtocolError('unbalanced quotes in request');
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const LETTER_X = 0x78;
const HEX_BYTE = /^[0-9a-f]{2}$/i;
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, a: 0x07 }).map(([letter, byte]) => [
    letter.charCodeAt(0),
    byte,
  ]),
);
