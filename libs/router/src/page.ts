import {
  ALL_PARTITIONS,
  brandKey,
  isEncoding,
  isRecord,
  KvsError,
  MAX_PAGE_BYTES,
  pageAnswer,
  PARTITION_COUNT,
  partitionOf as partitionOfKey,
  type PageAnswer,
  type PageRequest,
  type RestOfPage,
  type ScanAnswer,
  type ScanRequest,
} from '@kvs/protocol';

const WIDEN_AT_MOST = 4;

/**
 * Collects a page by scanning windows of partitions until there are as many pairs as asked for, then cuts it off after
 * the partition in which it reaches that many. How densely the windows were filled tells how wide the next should be.
 *
 * A window is held only up to {@link MAX_PAGE_BYTES}. If it has more, a narrower one is scanned in its place; and if it is
 * a single partition, the page ends with that, and its rest is passed on as it comes: a page is held with twice as many
 * bytes at most, whatever a partition has.
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
  /** The end of the narrowest window that had too much: later ones halve the way there, so few are scanned in vain. */
  let end = Infinity;
  while (scanned < wanted.length && pairs < limit && bytes < MAX_PAGE_BYTES) {
    const window = wanted.slice(scanned, scanned + width);
    const answer = await scan({ ...rest, partitions: window });
    const beginning = await readBeginning(answer);
    if (beginning.rest !== undefined && window.length > 1) {
      beginning.rest.close();
      await beginning.rest.lines.return?.();
      width = Math.floor(window.length / 2);
      end = scanned + window.length;
      continue;
    }
    for (const node of answer.missingNodes) missing.add(node);
    if (beginning.rest !== undefined) {
      const held = [...chunks, ...beginning.held];
      return pageAnswer(held, wanted[scanned + 1], { missingNodes: [...missing], rest: beginning.rest });
    }
    let found: Buffer = Buffer.concat(beginning.held);
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
    const widest = scanned < end ? (end - scanned) / 2 : Infinity;
    width = Math.ceil(Math.min(scanned * WIDEN_AT_MOST, scanned / filled - scanned, widest));
  }
  return pageAnswer(chunks, wanted[scanned], { missingNodes: [...missing] });
}

/** Reads all of an answer, or the chunks until it has {@link MAX_PAGE_BYTES}: then there may be a rest. */
async function readBeginning(
  answer: ScanAnswer,
): Promise<{ readonly held: Uint8Array[]; readonly rest?: RestOfPage }> {
  const held: Uint8Array[] = [];
  const lines = answer.lines[Symbol.asyncIterator]();
  try {
    for (let bytes = 0; bytes < MAX_PAGE_BYTES;) {
      const step = await lines.next();
      if (step.done === true) {
        answer.close();
        return { held };
      }
      held.push(step.value);
      bytes += step.value.length;
    }
    return { held, rest: { lines, close: () => answer.close() } };
  } catch (error) {
    answer.close();
    throw error;
  }
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
  return partitionOfKey(brandKey({ encoding: key['encoding'], data: key['data'] }));
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let i = bytes.indexOf(NEWLINE); i !== -1; i = bytes.indexOf(NEWLINE, i + 1)) count++;
  return count;
}

const NEWLINE = 0x0a;
