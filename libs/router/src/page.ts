import { partitionOf as partitionOfKey } from '@kvs/hash-ring';
import {
  ALL_PARTITIONS,
  brandKey,
  heldPage,
  isEncoding,
  isRecord,
  KvsError,
  MAX_PAGE_BYTES,
  PARTITION_COUNT,
  placementInput,
  type PageAnswer,
  type PageRequest,
  type ScanAnswer,
  type ScanRequest,
} from '@kvs/protocol';

const WIDEN_AT_MOST = 4;

/**
 * Collects a page by scanning windows of partitions until there are as many pairs as asked for, then cuts it off after
 * the partition in which it reaches that many. How densely the windows were filled tells how wide the next should be.
 */
export async function collectPage(
  request: PageRequest,
  scan: (window: ScanRequest & { readonly partial: boolean }) => Promise<ScanAnswer>,
  partitionOf: (line: string) => number = partitionOfLine,
): Promise<PageAnswer> {
  const { cursor, limit, partitions = ALL_PARTITIONS, ...rest } = request;
  const wanted = partitions.filter((partition) => partition >= cursor);
  const chunks: Uint8Array[] = [];
  const missing = new Set<string>();
  let pairs = 0;
  let bytes = 0;
  let scanned = 0;
  let width = 1;
  while (scanned < wanted.length && pairs < limit && bytes < MAX_PAGE_BYTES) {
    const window = wanted.slice(scanned, scanned + width);
    const answer = await scan({ ...rest, partitions: window });
    for (const node of answer.missingNodes) missing.add(node);
    let found = await readAll(answer);
    scanned += window.length;
    if (pairs + countNewlines(found) > limit && window.length > 1) {
      const cut = cutAfter(found, limit - pairs, partitionOf);
      found = cut.lines;
      scanned -= window.filter((partition) => partition > cut.last).length;
    }
    chunks.push(found);
    pairs += countNewlines(found);
    bytes += found.length;
    const filled = Math.max(pairs / limit, bytes / MAX_PAGE_BYTES);
    width = Math.ceil(Math.min(scanned * WIDEN_AT_MOST, scanned / filled - scanned));
  }
  const nextCursor = wanted[scanned];
  return heldPage(chunks, nextCursor, [...missing]);
}

async function readAll(answer: ScanAnswer): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of answer.lines) chunks.push(Uint8Array.from(chunk));
  } finally {
    answer.close();
  }
  return Buffer.concat(chunks);
}

/** The lines up to the end of the partition that holds the `count`th of them in ascending order of partitions. */
function cutAfter(
  lines: Buffer,
  count: number,
  partitionOf: (line: string) => number,
): { lines: Buffer; last: number } {
  const pairs = lines
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => ({ line, partition: partitionOf(line) }))
    .sort((a, b) => a.partition - b.partition);
  const last = pairs[count - 1]?.partition ?? PARTITION_COUNT;
  const kept = pairs.filter(({ partition }) => partition <= last);
  return { lines: Buffer.from(kept.map(({ line }) => `${line}\n`).join('')), last };
}

function partitionOfLine(line: string): number {
  const pair: unknown = JSON.parse(line);
  const key = isRecord(pair) ? pair['key'] : undefined;
  if (!isRecord(key) || !isEncoding(key['encoding']) || typeof key['data'] !== 'string') {
    throw new KvsError('node_error', 'a storage node sent a pair that is not of the protocol');
  }
  return partitionOfKey(placementInput(brandKey({ encoding: key['encoding'], data: key['data'] })));
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let i = bytes.indexOf(NEWLINE); i !== -1; i = bytes.indexOf(NEWLINE, i + 1)) count++;
  return count;
}

const NEWLINE = 0x0a;
