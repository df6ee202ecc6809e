import { isEncoding } from './encoding.js';
import { KvsError } from './errors.js';
import { isRecord } from './guard.js';
import { brandKey, type Key } from './key.js';

/** The byte that ends each pair of a scan. It is nowhere else. */
export const NEWLINE = 0x0a;

/** Returns how many pairs end in a chunk of a scan. */
export function countNewlines(chunk: Uint8Array): number {
  let count = 0;
  for (let i = chunk.indexOf(NEWLINE); i !== -1; i = chunk.indexOf(NEWLINE, i + 1)) count++;
  return count;
}

/** @throws KvsError `node_error` if a line of a scan is no pair */
export function keyOfLine(line: string): Key {
  const pair: unknown = JSON.parse(line);
  const key = isRecord(pair) ? pair['key'] : undefined;
  if (!isRecord(key) || !isEncoding(key['encoding']) || typeof key['data'] !== 'string')
    throw new KvsError('node_error', 'a storage node sent a pair that is not of the protocol');
  return brandKey({ encoding: key['encoding'], data: key['data'] });
}
