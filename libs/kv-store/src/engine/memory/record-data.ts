import type { EncodedData, Value } from '@kvs/protocol';

/** How bytes are converted to data and back. */
export type DataEncoding = 'hex' | 'latin1' | 'utf8';

/** Latin-1 is faster than UTF-8, and the same for ASCII. */
export function dataEncoding(isBinary: boolean, isAscii: boolean): DataEncoding {
  if (isBinary) return 'hex';
  return isAscii ? 'latin1' : 'utf8';
}

/**
 * Returns the key or value of some bytes.
 * @param isAscii true only if the bytes are known to be ASCII
 */
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

/** Returns how many bytes a value has. As `byteLength` of the protocol, but counted by Node, which is faster. */
export function valueBytesOf({ encoding, data }: Value): number {
  return encoding === 'binary' ? data.length / 2 : Buffer.byteLength(data);
}
