import type { PageAnswer } from './operations.js';

/**
 * A page is held until it has this many bytes. By then its end is known, that of the partition that was being read: the
 * rest of that partition need not be held.
 */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/** What is still to be read of a page. */
export interface RestOfPage {
  readonly lines: AsyncIterator<Uint8Array>;
  /** Lets go of what the lines come from, also when they are not read to their end. */
  close(): void;
}

/**
 * A page that is held in memory, or, if there is a rest, the beginning of it.
 *
 * @param nextCursor where the next page starts; undefined for the last page
 */
export function pageAnswer(
  held: readonly Uint8Array[],
  nextCursor: number | undefined,
  { missingNodes = [], rest }: { missingNodes?: readonly string[]; rest?: RestOfPage | undefined } = {},
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
  yield* held;
  if (rest !== undefined) yield* { [Symbol.asyncIterator]: () => rest.lines };
}
