import type { Readable } from 'node:stream';
import { TransportError } from '@kvs/router';

/**
 * Reads a node's scan. The node may take its time only as long as something is awaited from it: while the client is
 * slow, nothing is.
 *
 * @throws TransportError from the iteration, when the node breaks off or falls silent
 */
export async function* readLines(stream: Readable, timeoutMs: number): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = stream.iterator();
  let last: number | undefined = NEWLINE;
  try {
    for (;;) {
      const silence = setTimeout(
        () => stream.destroy(new Error(`nothing came for ${timeoutMs} ms`)),
        timeoutMs,
      );
      const next = await chunks.next().finally(() => clearTimeout(silence));
      if (next.done) break;
      last = next.value.at(-1) ?? last;
      yield next.value;
    }
    if (last !== NEWLINE) throw new Error('it ended in the middle of a line');
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new TransportError('broken', `the scan broke off (${reason})`, { cause: error });
  } finally {
    stream.destroy();
  }
}

const NEWLINE = 0x0a;
