import { countNewlines, keyOfLine, NEWLINE, type Key, type PairLines } from '@kvs/protocol';

/** Yields the keys of the pairs of a scan, one array for each chunk. Holds at most two chunks and one pair. */
export async function* pairKeys(lines: PairLines): AsyncGenerator<Key[], void, undefined> {
  /** The pair that has begun and not ended. */
  let begun: Uint8Array[] = [];
  for await (const chunk of lines) {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      begun.push(chunk);
      continue;
    }
    const text = Buffer.concat([...begun, chunk.subarray(0, end)]).toString();
    begun = [chunk.subarray(end)];
    yield text.split('\n').slice(0, -1).map(keyOfLine);
  }
}

/** Yields how many pairs of a scan end in each chunk. */
export async function* pairCounts(lines: PairLines): AsyncGenerator<number, void, undefined> {
  for await (const chunk of lines) yield countNewlines(chunk);
}
