import { InvalidArgumentError } from '@kvs/server';

/**
 * Parses a size such as `512mb` to bytes: a whole number with a unit b, kb, mb or gb, each 1,024 times the previous one. Without
 * a unit, the number is bytes.
 *
 * @throws InvalidArgumentError
 */
export function parseByteSize(text: string): number {
  const match = /^(\d+)(b|kb|mb|gb)?$/i.exec(text.trim());
  const bytes = Number(match?.[1]) * 1024 ** UNITS.indexOf(match?.[2]?.toLowerCase() ?? 'b');
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new InvalidArgumentError('A size is a whole number with a unit b, kb, mb or gb, such as 512mb.');
}

const UNITS = ['b', 'kb', 'mb', 'gb'];
