import { ReadBuffers } from '../src/http/read-buffers.js';

/** Overwrites a buffer as soon as it is free: who still reads it finds no text. Counts them. */
export class ShreddingBuffers extends ReadBuffers {
  /** How many were taken and are not free. */
  inUse = 0;
  mostInUse = 0;
  /** How many were taken, counting none twice. */
  get made(): number {
    return this.#seen.size;
  }
  readonly #seen = new Set<ArrayBufferLike>();

  override take(): Uint8Array {
    const buffer = super.take();
    buffer.fill(NO_UTF8);
    this.#seen.add(buffer.buffer);
    this.inUse++;
    this.mostInUse = Math.max(this.mostInUse, this.inUse);
    return buffer;
  }

  protected override free(memory: ArrayBufferLike): void {
    new Uint8Array(memory).fill(NO_UTF8);
    this.inUse--;
    super.free(memory);
  }
}

const NO_UTF8 = 0xff;
