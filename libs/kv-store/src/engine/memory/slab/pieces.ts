import { SLOT_USED_WORD } from './page.js';
import { MAX_SLOT_BYTES } from './size-classes.js';
import type { SlabArena } from './slab-arena.js';
import { LINK_BYTES, PIECE_HEADER_BYTES, type SlotCounts } from './spread-layout.js';

/**
 * What of a record does not fit into its head, in slots like any other. So memory is only ever taken by the page, and
 * none is left over between values of ever other lengths. memcached came to the same with its chunked items, and later
 * gave the rest of one a smaller slot (https://github.com/memcached/memcached/wiki/ReleaseNotes1429 and …1436).
 *
 *     head, word last   the first piece
 *     piece, word 0     the slot before it
 *                 4     {@link PIECE}, where a record has the length of its key
 *           from  5     bytes of the record
 *              last     the next piece, 0 after the last
 *
 * A list, not a table in the head, so that a record may have any size. Any of the slots may be moved alone: only its
 * neighbours refer to it.
 */
export class Pieces {
  readonly #arena: SlabArena;

  constructor(arena: SlabArena) {
    this.#arena = arena;
  }

  /** The slot that goes on where this one ends, 0 after the last. */
  next(ref: number): number {
    const { words, slotBytes } = this.#arena.page(ref);
    return words[(this.#arena.start(ref) + slotBytes - LINK_BYTES) / 4] ?? 0;
  }

  isPiece(ref: number): boolean {
    return this.#arena.page(ref).words[this.#arena.start(ref) / 4 + SLOT_USED_WORD] === PIECE;
  }

  /** The slots of a spread record, its head among them. */
  held(head: number): SlotCounts {
    let full = 0;
    for (let ref = head; ref !== 0; ref = this.next(ref)) {
      const { slotBytes } = this.#arena.page(ref);
      if (slotBytes !== MAX_SLOT_BYTES) return { full, tailBytes: slotBytes };
      full += 1;
    }
    return { full, tailBytes: 0 };
  }

  /**
   * Gives a head the pieces that it is to have, as far as it can by keeping those that it has. What there is to be
   * allocated must have been made sure of; it is allocated after the others are freed, and nothing else is moved.
   * @param first of those that it has, 0 for none
   */
  lay(head: number, first: number, { full, tailBytes }: SlotCounts): void {
    let last = head;
    let piece = first;
    let missing = full - 1;
    for (; missing > 0 && piece !== 0 && this.#isFull(piece); missing--) {
      last = piece;
      piece = this.next(piece);
    }
    this.#freeFrom(piece);
    this.#setNext(last, 0);
    for (; missing > 0; missing--) last = this.#append(last, MAX_SLOT_BYTES);
    if (tailBytes > 0) this.#append(last, tailBytes);
  }

  /** Frees the pieces that are not needed for so many bytes of the record, which there must be. */
  cut(head: number, bytes: number): void {
    let last = head;
    let held = this.#slotBytes(head) - LINK_BYTES;
    while (held < bytes) {
      last = this.next(last);
      held += this.#slotBytes(last) - PIECE_HEADER_BYTES - LINK_BYTES;
    }
    this.#freeFrom(this.next(last));
    this.#setNext(last, 0);
  }

  /** Frees all pieces of a head. */
  free(head: number): void {
    this.#freeFrom(this.next(head));
  }

  /** Makes the neighbours of a piece, or a head's first piece, refer to where that is now. */
  relink(ref: number): void {
    if (this.isPiece(ref)) this.#setNext(this.#word(ref, PREVIOUS), ref);
    const next = this.next(ref);
    if (next !== 0) this.#setWord(next, PREVIOUS, ref);
  }

  #append(last: number, bytes: number): number {
    const ref = this.#arena.allocate(bytes);
    if (ref === 0) throw new RangeError('no room for a piece, though there was to be some');
    this.#setWord(ref, PREVIOUS, last);
    this.#setWord(ref, SLOT_USED_WORD, PIECE);
    this.#setNext(ref, 0);
    this.#setNext(last, ref);
    return ref;
  }

  #freeFrom(first: number): void {
    for (let ref = first; ref !== 0;) {
      const next = this.next(ref);
      this.#arena.free(ref);
      ref = next;
    }
  }

  #isFull(ref: number): boolean {
    return this.#slotBytes(ref) === MAX_SLOT_BYTES;
  }

  #slotBytes(ref: number): number {
    return this.#arena.page(ref).slotBytes;
  }

  #setNext(ref: number, next: number): void {
    this.#setWord(ref, (this.#slotBytes(ref) - LINK_BYTES) / 4, next);
  }

  #word(ref: number, word: number): number {
    return this.#arena.page(ref).words[this.#arena.start(ref) / 4 + word] ?? 0;
  }

  #setWord(ref: number, word: number, to: number): void {
    this.#arena.page(ref).words[this.#arena.start(ref) / 4 + word] = to;
  }
}

const PREVIOUS = 0;

/** Longer than any key. */
const PIECE = 2 ** 32 - 1;
