/**
 * The same chunks, each in memory of its own that is overwritten as soon as the next one is asked for: whoever keeps a
 * chunk for longer than `PairLines` allows finds nothing in it.
 */
export async function* perishable(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const lent = Uint8Array.from(chunk);
    try {
      yield lent;
    } finally {
      lent.fill(NO_UTF8);
    }
  }
}

/** A byte that is in no text. */
const NO_UTF8 = 0xff;
