import type { PairLines } from '@kvs/protocol';

/**
 * Several texts of whole pairs as one. They are read in turns, so that what sends them goes on with all at once, and a
 * turn ends where a pair ends: a raw newline is nowhere else. Order is that of the turns; what is held is at most the
 * beginning of one pair for each text.
 */
export async function* interleave(texts: readonly PairLines[]): AsyncGenerator<Uint8Array, void, undefined> {
  const open = texts.map((text) => new Turns(text));
  try {
    for (let turns = open; turns.length > 0; turns = turns.filter(({ isDone }) => !isDone)) {
      for (const each of turns) yield* turns.length === 1 ? each.all() : each.next();
    }
  } finally {
    await Promise.all(open.map((each) => each.close()));
  }
}

class Turns {
  isDone = false;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** The beginning of a pair that the last turn had to stop before. */
  #begun: Uint8Array = NOTHING;

  constructor(text: PairLines) {
    this.#chunks = text[Symbol.asyncIterator]();
  }

  /** Some of the text, up to the end of a pair. */
  async *next(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let bytes = 0; ;) {
      const step = await this.#chunks.next();
      this.isDone = step.done === true;
      const chunk = step.done === true ? NOTHING : step.value;
      if (this.#begun.length > 0) yield this.#begun;
      this.#begun = NOTHING;
      bytes += chunk.length;
      const end = this.isDone || bytes < TURN_BYTES ? 0 : chunk.lastIndexOf(NEWLINE) + 1;
      if (end > 0) {
        yield chunk.subarray(0, end);
        // A copy, so that the few bytes do not keep the whole chunk.
        this.#begun = new Uint8Array(chunk.subarray(end));
        return;
      }
      if (chunk.length > 0) yield chunk;
      if (this.isDone) return;
    }
  }

  /** All the rest. */
  async *all(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.isDone) yield* this.next();
  }

  async close(): Promise<void> {
    if (!this.isDone) await this.#chunks.return?.();
  }
}

/** Long enough that what is between two turns does not count, and short beside what connections hold. */
const TURN_BYTES = 256 * 1024;

const NEWLINE = 0x0a;
const NOTHING = new Uint8Array(0);
