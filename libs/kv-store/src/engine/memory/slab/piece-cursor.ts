import type { Pieces } from './pieces.js';
import type { SlabArena } from './slab-arena.js';
import { LINK_BYTES, PIECE_HEADER_BYTES } from './spread-layout.js';

/** A place in a spread record, from which its bytes are read or written in their order, over many turns if need be. */
export class PieceCursor {
  #ref: number;
  /** In the slot. */
  #at: number;

  readonly #arena: SlabArena;
  readonly #pieces: Pieces;

  constructor(arena: SlabArena, pieces: Pieces, head: number, at: number) {
    this.#arena = arena;
    this.#pieces = pieces;

    this.#ref = head;
    this.#at = at;
  }

  /** Copies the next bytes to a part of the target. */
  read(target: Buffer, from: number, to: number): void {
    this.#pass(to - from, (bytes, start, end, done) => bytes.copy(target, from + done, start, end));
  }

  /** Overwrites the next bytes with the first of the source. */
  write(source: Buffer, length: number): void {
    this.#pass(length, (bytes, start, end, done) => source.copy(bytes, start, done, done + end - start));
  }

  skip(length: number): void {
    this.#pass(length, () => undefined);
  }

  /** To be told where a slot has been moved to, if the cursor is used for longer than until the next change. */
  moved(from: number, to: number): void {
    if (this.#ref === from) this.#ref = to;
  }

  /** Goes on by so many bytes, with a visit to each place where some lie together. */
  #pass(length: number, visit: (bytes: Buffer, start: number, end: number, done: number) => void): void {
    for (let done = 0; done < length;) {
      const count = this.#inSlot(length - done);
      const start = this.#arena.start(this.#ref) + this.#at;
      visit(this.#arena.page(this.#ref).bytes, start, start + count, done);
      this.#at += count;
      done += count;
    }
  }

  /** Of the next bytes, how many lie in one slot, at least one. */
  #inSlot(most: number): number {
    if (this.#at === this.#end) {
      this.#ref = this.#pieces.next(this.#ref);
      this.#at = PIECE_HEADER_BYTES;
    }
    return Math.min(most, this.#end - this.#at);
  }

  get #end(): number {
    return this.#arena.page(this.#ref).slotBytes - LINK_BYTES;
  }
}
