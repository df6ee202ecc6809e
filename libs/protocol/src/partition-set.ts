import { KvsError } from './errors.js';
import { PARTITION_COUNT } from './partition.js';

/**
 * A proxy asks a node only for the node's own partitions by this header, so that pairs left over from another list of
 * nodes do not appear. It has 1,024 hexadecimal digits with 4 partitions each. The lowest partition is the highest
 * bit of the first digit.
 */
export const PARTITIONS_HEADER = 'kvs-partitions';

export function encodePartitions(partitions: Iterable<number>): string {
  const digits = new Uint8Array(DIGITS);
  for (const partition of partitions) {
    const digit = partition >>> 2;
    digits[digit] = (digits[digit] ?? 0) | (8 >>> (partition & 3));
  }
  return Array.from(digits, (digit) => digit.toString(16)).join('');
}

/**
 * @returns ascending partitions
 * @throws KvsError `invalid_parameter`
 */
export function decodePartitions(text: string): number[] {
  if (text.length !== DIGITS || /[^0-9a-f]/.test(text)) {
    throw new KvsError('invalid_parameter', `${PARTITIONS_HEADER} must be ${DIGITS} hexadecimal digits`);
  }
  const partitions: number[] = [];
  for (let partition = 0; partition < PARTITION_COUNT; partition++) {
    const digit = Number.parseInt(text.charAt(partition >>> 2), 16);
    if (digit & (8 >>> (partition & 3))) partitions.push(partition);
  }
  return partitions;
}

const DIGITS = PARTITION_COUNT / 4;
