import type { Readable } from 'node:stream';
import type { PairFormat, PairLines } from '@kvs/protocol';
import { TransportError } from '@kvs/router';
import type { Timers } from '../ports.js';
import { arrayItems } from './array-items.js';
import { bodyChunks } from './body-chunks.js';
import type { Loan } from './loan.js';

/**
 * Reads a node's scan: newline-delimited JSON for `lines`, an array for `items`. The node may take its time only as
 * long as something is awaited from it.
 *
 * @throws TransportError from the iteration, when the node breaks off or falls silent
 */
export async function* readLines(
  stream: Readable,
  timeoutMs: number,
  timers: Timers,
  format: PairFormat = 'lines',
  loan?: Loan,
): AsyncGenerator<Uint8Array> {
  const body = bodyChunks(stream, timeoutMs, timers, loan);
  try {
    yield* format === 'items' ? arrayItems(body) : wholeLines(body);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error';
    throw new TransportError('broken', `the scan broke off (${reason})`, { cause: error });
  } finally {
    stream.destroy();
  }
}

async function* wholeLines(lines: PairLines): AsyncGenerator<Uint8Array> {
  let last: number | undefined = NEWLINE;
  for await (const chunk of lines) {
    last = chunk.at(-1) ?? last;
    yield chunk;
  }
  if (last !== NEWLINE) throw new SyntaxError('it ended in the middle of a line');
}

const NEWLINE = 0x0a;
