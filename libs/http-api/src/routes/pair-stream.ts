import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { PairFormat, PairLines } from '@kvs/protocol';
import { itemsAsArray } from './json-array.js';
import { JSON_TYPE } from './reply.js';

export const NDJSON = 'application/x-ndjson';

/**
 * Sends pairs as they come, with backpressure and in constant memory. If the pairs break off, the connection is cut:
 * a client never receives a complete-looking but incomplete answer. A client that goes away is no error.
 *
 * @param format in which the pairs come. The client gets `lines` as NDJSON, and `items` as an array.
 * @param countUnread called with the number of bytes that the client has not read, while the next pairs wait for it
 * @throws what the pairs throw; before the first of them nothing is sent, so that it can still be answered
 */
export async function sendPairs(
  response: ServerResponse,
  pairs: PairLines,
  format: PairFormat,
  countUnread: (bytes: number) => void = () => undefined,
): Promise<void> {
  const chunks = (format === 'lines' ? pairs : itemsAsArray(pairs))[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    response.setHeader('content-type', contentType(format));
    await new PairSender(response, countUnread).send(first, chunks);
  } finally {
    await chunks.return?.();
  }
}

/** Answers `HEAD` with the headers that the pairs would have, and none of the work. */
export function sendNoPairs(response: ServerResponse, format: PairFormat): void {
  response.setHeader('content-type', contentType(format));
  response.end();
}

function contentType(format: PairFormat): string {
  return format === 'lines' ? NDJSON : JSON_TYPE;
}

/** Other requests get a turn of the event loop about every 64 KiB, because chunks may come and be written without any wait. */
const TURN_EVERY_BYTES = 64 * 1024;

/** Writes to the response itself: a stream to read from and a pipeline would take longer than all the rest. */
class PairSender {
  #wake: (() => void) | undefined;

  readonly #response: ServerResponse;
  readonly #countUnread: (bytes: number) => void;

  constructor(response: ServerResponse, countUnread: (bytes: number) => void) {
    this.#response = response;
    this.#countUnread = countUnread;

    const wake = (): void => this.#wake?.();
    response.on('drain', wake).on('finish', wake).on('close', wake);
    // Whatever went wrong, the response closes next, and the client is gone.
    response.on('error', wake);
  }

  async send(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      await this.#sendAll(first, rest);
    } catch (error) {
      if (this.#isGone) return;
      // The bytes written so far leave at the end of this turn of the event loop. So the client sees an answer that is cut.
      await setImmediate();
      this.#response.destroy();
      throw error;
    }
  }

  async #sendAll(first: IteratorResult<Uint8Array>, rest: AsyncIterator<Uint8Array>): Promise<void> {
    const response = this.#response;
    let sinceTurn = 0;
    for (let step = first; !step.done && !this.#isGone; step = await rest.next()) {
      if (!response.write(step.value)) {
        this.#countUnread(response.writableLength);
        await this.#woken(() => !response.writableNeedDrain);
        this.#countUnread(0);
      }
      sinceTurn += step.value.length;
      if (sinceTurn < TURN_EVERY_BYTES) continue;
      sinceTurn = 0;
      await setImmediate();
    }
    response.end();
    await this.#woken(() => response.writableFinished);
  }

  get #isGone(): boolean {
    return this.#response.destroyed;
  }

  /** Waits until something holds, or the client is gone. */
  async #woken(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#isGone) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}
