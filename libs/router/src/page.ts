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

/**
 * Collects a page by scanning windows of partitions until there are about as many pairs as asked for. A window ends
 * with a partition, and so does the page. How densely the last windows were filled tells how wide the next should be.
 */
export async function collectPage(
  request: PageRequest,
  scan: (window: ScanRequest & { readonly partial: boolean }) => Promise<ScanAnswer>,
): Promise<PageAnswer> {
  const { cursor, limit, ...rest } = request;
  const chunks: Uint8Array[] = [];
  const missing = new Set<string>();
  let pairs = 0;
  let bytes = 0;
  let next = cursor;
  let width = 1;
  while (next < PARTITION_COUNT && pairs < limit && bytes < MAX_PAGE_BYTES) {
    const end = Math.min(next + width, PARTITION_COUNT);
    const partitions = Array.from({ length: end - next }, (_, i) => next + i);
    const answer = await scan({ ...rest, partitions });
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
    next = end;
    const scanned = next - cursor;
    const filled = Math.max(pairs / limit, bytes / MAX_PAGE_BYTES);
    width = Math.ceil(Math.min(scanned * WIDEN_AT_MOST, scanned / filled - scanned));
  }
  return {
    missingNodes: [...missing],
    lines: fromArray(chunks),
    close: () => undefined,
    ...(next < PARTITION_COUNT ? { nextCursor: next } : undefined),
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
