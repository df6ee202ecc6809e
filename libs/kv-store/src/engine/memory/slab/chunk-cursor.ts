import type { ChunkChain } from './chunk-chain.js';
import type { SlabArena } from './slab-arena.js';
import { LINK_BYTES, CHUNK_HEADER_BYTES } from './chunk-layout.js';

/** A position in a large record, valid until slots are moved. Reads or writes the bytes from there on. */
export class ChunkCursor {
  #ref: number;
  /** The position in the slot. */
  #at: number;

  readonly #arena: SlabArena;
  readonly #chunks: ChunkChain;

  constructor(arena: SlabArena, chunks: ChunkChain, head: number, at: number) {
    this.#arena = arena;
    this.#chunks = chunks;
    this.#ref = head;
    this.#at = at;
  }

  /** Copies the next bytes to a part of the target. */
  read(target: Buffer, from: number, to: number): void {
    this.#pass(to - from, (bytes, start, end, done) => bytes.copy(target, from + done, start, end));
  }

  /** Overwrites the next bytes with the first bytes of the source. */
  write(source: Buffer, length: number): void {
    this.#pass(length, (bytes, start, end, done) => source.copy(bytes, start, done, done + end - start));
  }

  skip(length: number): void {
    this.#pass(length, () => undefined);
  }

  /** Moves on by `length` bytes and visits each part that is in one slot. */
  #pass(length: number, visit: (bytes: Buffer, start: number, end: number, done: number) => void): void {
    for (let done = 0; done < length;) {
      const count = this.#inSlot(length - done);
      const start = this.#arena.start(this.#ref) + this.#at;
      visit(this.#arena.page(this.#ref).bytes, start, start + count, done);
      this.#at += count;
      done += count;
    }
  }

  /** Returns how many of the next bytes are in the same slot, at least one. */
  #inSlot(most: number): number {
    if (this.#at === this.#end) {
      this.#ref = this.#chunks.next(this.#ref);
      this.#at = CHUNK_HEADER_BYTES;
    }
    return Math.min(most, this.#end - this.#at);
  }

  get #end(): number {
    return this.#arena.page(this.#ref).slotBytes - LINK_BYTES;
  }
}
