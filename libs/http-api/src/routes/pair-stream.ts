import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import type { PairLines } from '@kvs/protocol';
import { isSystemError } from '../system-error.js';

export const NDJSON = 'application/x-ndjson';

/**
 * Sends pairs as they come, with backpressure and in constant memory. If the pairs break off, the connection is cut:
 * a client never receives a complete-looking but incomplete answer.
 *
 * @throws what the pairs throw; before the first of them nothing is sent, so that it can still be answered
 */
export async function sendPairs(response: ServerResponse, lines: PairLines, ndjson: boolean): Promise<void> {
  const chunks = (ndjson ? lines : asJsonArray(lines))[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    response.setHeader('content-type', contentType(ndjson));
    await pipeline(Readable.from(yielding(first, chunks), { objectMode: false }), response);
  } catch (error) {
    if (isSystemError(error) && CLIENT_GONE.has(error.code)) return;
    throw error;
  } finally {
    await chunks.return?.();
  }
}

/** Answers `HEAD` with the headers that the pairs would have, and none of the work. */
export function sendNoPairs(response: ServerResponse, ndjson: boolean): void {
  response.setHeader('content-type', contentType(ndjson));
  response.end();
}

function contentType(ndjson: boolean): string {
  return ndjson ? NDJSON : 'application/json; charset=utf-8';
}

const CLIENT_GONE = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED']);

/** Lets other requests have their turn about every 64 KiB, for an engine in memory never waits by itself. */
const YIELD_EVERY_BYTES = 64 * 1024;

async function* yielding(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let sinceYield = 0;
  for (let step = first; !step.done; step = await rest.next()) {
    yield step.value;
    sinceYield += step.value.length;
    if (sinceYield < YIELD_EVERY_BYTES) continue;
    sinceYield = 0;
    await setImmediate();
  }
}

/**
 * Turns lines into a JSON array without reading them: in JSON text, a newline byte can only be the end of a line, so
 * each becomes a comma, but for the last.
 */
export async function* asJsonArray(lines: PairLines): AsyncGenerator<Uint8Array> {
  let before: Uint8Array | undefined = OPEN;
  for await (const chunk of lines) {
    if (chunk.length === 0) continue;
    if (before) yield before;
    const bytes = Buffer.from(chunk);
    const endsLine = bytes.at(-1) === NEWLINE;
    for (let i = bytes.indexOf(NEWLINE); i !== -1; i = bytes.indexOf(NEWLINE, i + 1)) bytes[i] = COMMA_BYTE;
    yield endsLine ? bytes.subarray(0, -1) : bytes;
    before = endsLine ? COMMA : undefined;
  }
  yield before === OPEN ? EMPTY : CLOSE;
}

const NEWLINE = 0x0a;
const COMMA_BYTE = 0x2c;
const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');
const EMPTY = Buffer.from('[]');
