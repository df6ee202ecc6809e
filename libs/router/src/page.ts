import {
  PARTITION_COUNT,
  type PageAnswer,
  type PageRequest,
  type ScanAnswer,
  type ScanRequest,
} from '@kvs/protocol';

/** A page ends early when it has this many bytes, so that holding one is cheap whatever the size of values. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;
const WIDEN_AT_MOST = 4;

const ALL_PARTITIONS: readonly number[] = Array.from(
  { length: PARTITION_COUNT },
  (_, partition) => partition,
);

/**
 * Collects a page by scanning windows of partitions until there are about as many pairs as asked for. A window ends
 * with a partition, and so does the page. How densely the last windows were filled tells how wide the next should be.
 */
export async function collectPage(
  request: PageRequest,
  scan: (window: ScanRequest & { readonly partial: boolean }) => Promise<ScanAnswer>,
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
    try {
      for await (const chunk of answer.lines) {
        chunks.push(chunk);
        pairs += countNewlines(chunk);
        bytes += chunk.length;
      }
    } finally {
      answer.close();
    }
    scanned += window.length;
    const filled = Math.max(pairs / limit, bytes / MAX_PAGE_BYTES);
    width = Math.ceil(Math.min(scanned * WIDEN_AT_MOST, scanned / filled - scanned));
  }
  const nextCursor = wanted[scanned];
  return {
    missingNodes: [...missing],
    lines: fromArray(chunks),
    close: () => undefined,
    ...(nextCursor === undefined ? undefined : { nextCursor }),
  };
}

async function* fromArray(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let i = bytes.indexOf(NEWLINE); i !== -1; i = bytes.indexOf(NEWLINE, i + 1)) count++;
  return count;
}

const NEWLINE = 0x0a;
