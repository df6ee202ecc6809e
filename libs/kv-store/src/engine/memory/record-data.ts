import type { EncodedData, Value } from '@kvs/protocol';

/** How data and the bytes that stand for it become each other. */
export type DataEncoding = 'hex' | 'latin1' | 'utf8';

/** ASCII is both UTF-8 and Latin-1, and Latin-1 is the faster to read and write. */
export function dataEncoding(isBinary: boolean, isAscii: boolean): DataEncoding {
  if (isBinary) return 'hex';
  return isAscii ? 'latin1' : 'utf8';
}

/** The key or value that bytes stand for. Only what is known to be ASCII may be said to be. */
export function decoded(
  bytes: Buffer,
  start: number,
  end: number,
  isBinary: boolean,
  isAscii: boolean,
): EncodedData {
  const data = bytes.toString(dataEncoding(isBinary, isAscii), start, end);
  return { encoding: isBinary ? 'binary' : 'string', data };
}

/** How many bytes a value takes: what `byteLength` of the protocol says, counted by Node, which it does without. */
export function valueBytesOf({ encoding, data }: Value): number {
  return encoding === 'binary' ? data.length / 2 : Buffer.byteLength(data);
}
