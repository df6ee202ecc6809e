const EMPTY = Buffer.alloc(0);

/**
 * Joins the chunks of a body in one buffer that doubles when it is full. It copies chunks because even the smallest `Buffer`
 * takes about 300 bytes. It holds at most twice the bytes that have arrived, and keeps a single chunk without a copy.
 */
export class ChunkBuffer {
  #buffer: Buffer = EMPTY;
  #length = 0;

  readonly #maxLength: number;

  /** @param maxLength the length of all chunks together, or a limit of it, in bytes */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** The bytes of all chunks so far, without a copy. */
  get bytes(): Buffer {
    return this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length);
  }

  /** Adds a chunk of at least one byte. Amortized O(chunk length). */
  append(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (this.#length === 0) {
      this.#buffer = chunk;
    } else {
      // The first chunk has no space behind it, so nothing is ever written into it.
      if (length > this.#buffer.length) this.#grow(Math.min(2 * length, this.#maxLength));
      chunk.copy(this.#buffer, this.#length);
    }
    this.#length = length;
  }

  #grow(capacity: number): void {
    // `allocUnsafe` would take it from a pool of up to 64 KiB (8 KiB before Node 26), which then lives as long as the body.
    const larger = Buffer.allocUnsafeSlow(capacity);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
