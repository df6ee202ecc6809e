import { NEWLINE, type PairLines } from '@kvs/protocol';

/**
 * Joins several texts of whole pairs. It reads them alternately, so that all their senders go on at once, and switches only at
 * newlines, so that pairs are never interleaved: a raw newline is nowhere else. Besides a chunk, it holds at most the beginning
 * of one pair of each text.
 *
 * @param joined returns the texts that have joined since it was last called. It is called after each turn
 */
export async function* interleave(
  texts: readonly PairLines[],
  joined: () => readonly PairLines[] = () => [],
): AsyncGenerator<Uint8Array, void, undefined> {
  let readers = texts.map((text) => new PairReader(text));
  try {
    while (readers.length > 0) {
      for (const reader of readers) yield* reader.next();
      const others = joined().map((text) => new PairReader(text));
      readers = [...readers.filter(({ isDone }) => !isDone), ...others];
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

class PairReader {
  isDone = false;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** The beginning of a pair, which is yielded next. */
  #beginning: Uint8Array = NOTHING;

  constructor(text: PairLines) {
    this.#chunks = text[Symbol.asyncIterator]();
  }

  /** Yields about {@link SHARE_BYTES}, up to the end of a pair. */
  async *next(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let bytes = 0; ;) {
      const step = await this.#chunks.next();
      this.isDone = step.done === true;
      const chunk = step.done === true ? NOTHING : step.value;
      if (this.#beginning.length > 0) yield this.#beginning;
      this.#beginning = NOTHING;
      bytes += chunk.length;
      const end = this.isDone || bytes < SHARE_BYTES ? 0 : chunk.lastIndexOf(NEWLINE) + 1;
      if (end > 0) {
        yield chunk.subarray(0, end);
        // A copy, so that the few bytes do not keep the whole chunk.
        this.#beginning = new Uint8Array(chunk.subarray(end));
        return;
      }
      if (chunk.length > 0) yield chunk;
      if (this.isDone) return;
    }
  }

  async close(): Promise<void> {
    if (!this.isDone) await this.#chunks.return?.();
  }
}

/** A part of the window of a scan, so that a node can send the next share while another node's is read. */
const SHARE_BYTES = 128 * 1024;

const NOTHING = new Uint8Array(0);
