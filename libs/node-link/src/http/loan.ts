import type { ReadBuffers } from './read-buffers.js';

/** The holds on pieces of buffers that one reader has, or will get. */
export class Loan {
  readonly #pieces = new Set<Uint8Array>();
  #isOver = false;

  readonly #buffers: ReadBuffers;

  constructor(buffers: ReadBuffers) {
    this.#buffers = buffers;
  }

  /** The piece is on its way to the reader, unless there is nothing in it, for streams pass over that. */
  lend(piece: Uint8Array): void {
    if (this.#isOver || piece.length === 0) return;
    this.#pieces.add(piece);
    this.#buffers.hold(piece);
  }

  /** The reader is done with this very piece. */
  giveBack(piece: Uint8Array): void {
    if (this.#pieces.delete(piece)) this.#buffers.release(piece);
  }

  /** The reader is done with all pieces, and will not get those that it did not. */
  end(): void {
    this.#isOver = true;
    for (const piece of this.#pieces) this.giveBack(piece);
  }
}
