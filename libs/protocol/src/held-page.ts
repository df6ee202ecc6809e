import type { PageAnswer } from './operations.js';

/** A page ends early when it has this many bytes, so that holding one is cheap whatever the size of values. */
export const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/** A page that is held in memory: nothing is left to let go of. */
export function heldPage(
  lines: readonly Uint8Array[],
  nextCursor: number | undefined,
  missingNodes: readonly string[] = [],
): PageAnswer {
  return {
    missingNodes,
    lines: fromArray(lines),
    close: () => undefined,
    ...(nextCursor === undefined ? undefined : { nextCursor }),
  };
}

async function* fromArray(lines: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* lines;
}
