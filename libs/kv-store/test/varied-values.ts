// Values in which no two parts are equal, so that a test notices a chunk in the wrong place.

const ASCII = Buffer.from(Array.from({ length: 100_000 }, (_, i) => `${i.toString(36)},`).join(''));
/** Characters of one to four bytes. */
const WIDE = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `${i.toString(36)}é€\u{1f600}`).join(''));

/** Returns text of `byteCount` bytes in ASCII. */
export function variedAscii(byteCount: number, from = 0): string {
  return repeated(ASCII, byteCount, from % ASCII.length).toString('latin1');
}

/** Returns text of `byteCount` bytes in UTF-8, most of them in characters of several bytes. */
export function variedText(byteCount: number, from = 0): string {
  let start = from % WIDE.length;
  while (isInCharacter(WIDE[start])) start -= 1;
  const bytes = repeated(WIDE, byteCount, start);
  const last = lastStart(bytes);
  // Overwrites the incomplete last character.
  if (last + lengthOfCharacter(bytes[last] ?? 0) > byteCount) bytes.fill('x', last);
  return bytes.toString();
}

export function variedBytes(byteCount: number, from = 0): Buffer {
  return repeated(WIDE, byteCount, from % WIDE.length);
}

function repeated(source: Buffer, byteCount: number, from: number): Buffer {
  const bytes = Buffer.alloc(byteCount);
  let done = source.copy(bytes, 0, from);
  while (done < byteCount) done += source.copy(bytes, done);
  return bytes;
}

function lastStart(bytes: Buffer): number {
  let at = Math.max(0, bytes.length - 1);
  while (isInCharacter(bytes[at])) at -= 1;
  return at;
}

function isInCharacter(byte = 0): boolean {
  return (byte & 0xc0) === 0x80;
}

function lengthOfCharacter(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
