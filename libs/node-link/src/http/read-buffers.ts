/**
 * Buffers to read into that are used again. A read of a socket makes a buffer each time, and V8, in whose heap they are
 * not, collects those only after many.
 *
 * A buffer is free again when every hold on it was released. Who passes a piece of one on holds it until whoever got it
 * is done. Where a release does not come, the buffer is left to the garbage collector: nothing is lost but the buffer.
 */
export class ReadBuffers {
  readonly #free: Uint8Array[] = [];
  readonly #holds = new WeakMap<ArrayBufferLike, number>();

  readonly #maxFreeBytes: number;

  /** @param maxFreeBytes how much memory is kept that nobody uses */
  constructor(maxFreeBytes = MAX_FREE_BYTES) {
    this.#maxFreeBytes = maxFreeBytes;
  }

  /** A buffer with anything in it, with one hold on it. */
  take(): Uint8Array {
    const buffer = this.#free.pop() ?? new Uint8Array(BUFFER_BYTES);
    this.#holds.set(buffer.buffer, 1);
    return buffer;
  }

  /** Holds the buffer that this is a piece of. Does nothing with what is of another origin. */
  hold({ buffer }: Uint8Array): void {
    const holds = this.#holds.get(buffer);
    if (holds !== undefined) this.#holds.set(buffer, holds + 1);
  }

  /** Releases one hold on the buffer that this is a piece of: the piece must not be looked at any more. */
  release({ buffer }: Uint8Array): void {
    const holds = this.#holds.get(buffer);
    if (holds === undefined) return;
    if (holds > 1) this.#holds.set(buffer, holds - 1);
    else this.free(buffer);
  }

  /** Nobody uses this memory any more. */
  protected free(memory: ArrayBufferLike): void {
    this.#holds.delete(memory);
    if ((this.#free.length + 1) * BUFFER_BYTES <= this.#maxFreeBytes) this.#free.push(new Uint8Array(memory));
  }
}

/** Twice what Node reads at once. Twice as much again was not seen to be any faster. */
const BUFFER_BYTES = 128 * 1024;

/** Some five for each connection that is read from. */
const MAX_FREE_BYTES = 4 * 1024 * 1024;
