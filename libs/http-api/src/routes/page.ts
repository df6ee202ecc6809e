import {
  ALL_PARTITIONS,
  countNewlines,
  keyOfLine,
  PARTITION_COUNT,
  partitionOf as partitionOfKey,
  type ScanAnswer,
  type ScanRequest,
} from '@kvs/protocol';

/** One page of a scan: where it starts, and about how long it should be. */
export interface PageRequest extends Omit<ScanRequest, 'partitions'> {
  /** The first partition of the page, 0 to 4,095. */
  readonly cursor: number;
  /** About how many pairs: the page ends with the partition in which it reaches this many. */
  readonly limit: number;
  /** Answer with the pairs of the nodes that can be reached rather than fail. */
  readonly partial: boolean;
}

export interface PageOptions {
  /** Called with the number of bytes that the page holds whenever it changes. It may throw to end the page. */
  readonly hold?: (bytes: number) => void;
  readonly partitionOf?: (line: string) => number;
}

export interface PageAnswer extends ScanAnswer {
  /** The partition at which the next page starts; absent after the last page. */
  readonly nextCursor?: number;
}

/**
 * Collects a page by scanning windows of partitions until there are as many pairs as asked for. The page ends with the
 * partition in which it reaches that many. The number of pairs in the windows so far tells how wide the next should be.
 *
 * A window is held only up to {@link MAX_PAGE_BYTES}. If it has more, a narrower window is scanned in its place. If the window
 * is one partition, the page ends with that partition, and the rest of it is passed on as it comes. So a page holds at most
 * twice as many bytes, however large a partition is.
 */
export async function collectPage(
  request: PageRequest,
  scan: (window: ScanRequest & { readonly partial: boolean }) => Promise<ScanAnswer>,
  options: PageOptions = {},
): Promise<PageAnswer> {
  const { hold = () => undefined, partitionOf = partitionOfPair } = options;
  const { cursor, limit, ...rest } = request;
  const wanted = ALL_PARTITIONS.slice(cursor);
  const chunks: Uint8Array[] = [];
  const missing = new Set<string>();
  let pairs = 0;
  let bytes = 0;
  let scanned = 0;
  const width = new WindowWidth();
  while (scanned < wanted.length && pairs < limit && bytes < MAX_PAGE_BYTES) {
    const window = wanted.slice(scanned, scanned + width.value);
    const answer = await scan({ ...rest, partitions: window });
    const beginning = await readBeginning(answer, (more) => hold(bytes + more));
    if (beginning.rest !== undefined && window.length > 1) {
      beginning.rest.close();
      await beginning.rest.lines.return?.();
      hold(bytes);
      width.halve(scanned, window.length);
      continue;
    }
    for (const node of answer.missingNodes) missing.add(node);
    if (beginning.rest !== undefined) {
      const held = [...chunks, ...beginning.held];
      return pageAnswer(held, wanted[scanned + 1], [...missing], beginning.rest);
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
    hold(bytes);
    width.adapt(scanned, Math.max(pairs / limit, bytes / MAX_PAGE_BYTES));
  }
  return pageAnswer(chunks, wanted[scanned], [...missing]);
}

/** How many partitions the next window has. */
class WindowWidth {
  value = 1;
  /** The end of the narrowest window that had too many bytes. Later windows go half the way there, so few are scanned in vain. */
  #end = Infinity;

  /** The window of `tried` partitions behind those that were scanned had too many bytes. */
  halve(scanned: number, tried: number): void {
    this.value = Math.floor(tried / 2);
    this.#end = scanned + tried;
  }

  /** @param filled how much of the page the scanned partitions fill; 1 is a full page */
  adapt(scanned: number, filled: number): void {
    const widest = scanned < this.#end ? (this.#end - scanned) / 2 : Infinity;
    this.value = Math.ceil(Math.min(scanned * WIDEN_AT_MOST, scanned / filled - scanned, widest));
  }
}

/** Reads an answer up to {@link MAX_PAGE_BYTES}. If the answer may have more, that is the rest. */
async function readBeginning(
  answer: ScanAnswer,
  hold: (bytes: number) => void,
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
      hold(bytes);
    }
    return { held, rest: { lines, close: () => answer.close() } };
  } catch (error) {
    answer.close();
    await lines.return?.();
    throw error;
  }
}

/** Sorts the lines by partition, and returns those up to the end of the partition that has the `count`th line. */
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

/** The line of an item begins with a comma. */
function partitionOfPair(line: string): number {
  return partitionOfKey(keyOfLine(line.slice(line.indexOf('{'))));
}

/** The part of a page that was not read yet. */
interface RestOfPage {
  readonly lines: AsyncIterator<Uint8Array>;
  /** Stops the scan, also if it was not read to its end. */
  close(): void;
}

/**
 * Returns a page that is held in memory, or the beginning of a page that has a rest.
 *
 * @param nextCursor where the next page starts; undefined for the last page
 */
function pageAnswer(
  held: readonly Uint8Array[],
  nextCursor: number | undefined,
  missingNodes: readonly string[],
  rest?: RestOfPage,
): PageAnswer {
  return {
    missingNodes,
    lines: linesOf(held, rest),
    close: () => rest?.close(),
    ...(nextCursor === undefined ? undefined : { nextCursor }),
  };
}

async function* linesOf(
  held: readonly Uint8Array[],
  rest: RestOfPage | undefined,
): AsyncGenerator<Uint8Array> {
  // In parts, because bytes that are written and not read are counted beside those of the page.
  for (const chunk of held) {
    for (let i = 0; i < chunk.length; i += PART_BYTES) yield chunk.subarray(i, i + PART_BYTES);
  }
  if (rest !== undefined) yield* { [Symbol.asyncIterator]: () => rest.lines };
}

/** With this many bytes, the end of a page is known: it is the end of the partition that is read. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;

const PART_BYTES = 64 * 1024;

/** A window is at most this many times as wide as all windows before it. */
const WIDEN_AT_MOST = 4;
