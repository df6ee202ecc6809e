import type { Readable } from 'node:stream';
import type { Timers } from '../ports.js';
import type { Loan } from './loan.js';

/**
 * The chunks of a body as they came. The iterator of a stream would join those that wait, which is to copy them. The
 * source may take its time only as long as something is awaited from it: while the reader is slow, nothing is.
 *
 * @param loan of the chunks: each is given back when the next is asked for
 * @throws Error when the body breaks off, or nothing comes for so long
 */
export async function* bodyChunks(
  stream: Readable,
  timeoutMs: number,
  timers: Timers,
  loan?: Loan,
): AsyncGenerator<Uint8Array> {
  const arrivals = new Arrivals(stream);
  try {
    for (;;) {
      let chunk = arrivals.take();
      if (chunk === undefined && !arrivals.isOver) {
        const cancelTimeout = timers.after(timeoutMs, () => {
          stream.destroy(new Error(`nothing came for ${timeoutMs} ms`));
        });
        await arrivals.next().finally(cancelTimeout);
        chunk = arrivals.take();
      }
      if (chunk !== undefined) {
        yield chunk;
        loan?.giveBack(chunk);
      } else if (arrivals.isOver) return arrivals.assertEnded();
    }
  } finally {
    stream.destroy();
    loan?.end();
  }
}

/** What came and was not taken yet, of a source that is stopped when that is much. */
class Arrivals {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  readonly #stream: Readable;

  constructor(stream: Readable) {
    this.#stream = stream;

    stream.on('data', (chunk: Uint8Array) => this.#add(chunk));
    stream.on('end', () => this.#end());
    stream.on('error', (error) => this.#fail(error));
    stream.on('close', () => this.#fail(new Error('the connection was closed')));
    if (stream.destroyed) this.#fail(new Error('the connection was closed'));
  }

  get isOver(): boolean {
    return this.#isEnded || this.#failure !== undefined;
  }

  /** @throws Error when it is over by a failure */
  assertEnded(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  take(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return undefined;
    this.#bytes -= chunk.length;
    if (this.#bytes === 0 && this.#stream.isPaused()) this.#stream.resume();
    return chunk;
  }

  /** Resolves when something has come, or it is over. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= MAX_HELD_BYTES) this.#stream.pause();
    this.#wake?.();
  }

  #end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  #fail(error: Error): void {
    if (!this.#isEnded) this.#failure ??= error;
    this.#wake?.();
  }
}

/** Of each node: enough to go on with while more is on its way. */
const MAX_HELD_BYTES = 128 * 1024;
