import { CHUNK_HEADER_BYTES, LINK_BYTES, type SlotCounts } from './chunk-layout.js';
import { SLOT_USED_WORD } from './page.js';
import { MAX_SLOT_BYTES } from './size-classes.js';
import type { SlabArena } from './slab-arena.js';

/**
 * The chunks of large records. A record that does not fit the largest slot, 8 KiB, has a head and chunks, each in a slot
 * of the arena, as a doubly linked list:
 *
 *      head, 8 KiB                chunk, 8 KiB                     last chunk, the smallest slot that fits
 *     ┌───────────────┬──────┐   ┌──────────┬───────┬──────┐      ┌──────────┬───────┬──────┐
 *     │ header, bytes │ next ├──▶│ previous │ bytes │ next ├─ … ─▶│ previous │ bytes │  0   │
 *     └───────────────┴──────┘◀──┤          │       │      │ … ◀──┤          │       │      │
 *                                └──────────┴───────┴──────┘      └──────────┴───────┴──────┘
 *
 *     head    last word    the first chunk
 *     chunk   word 0       the slot before it
 *             word 4       {@link CHUNK}, where a record has the length of its key
 *             from word 5  bytes of the record
 *             last word    the next chunk, 0 after the last
 *
 * All memory comes in pages of one size, so it can be reused and given back whatever lengths values have. With a buffer
 * for each large value, the allocator of the process kept half as much again as was in use. The arena may move any slot
 * alone, because only its neighbours refer to it. memcached has a similar list, with a smaller slot at its end
 * (https://github.com/memcached/memcached/wiki/ReleaseNotes1429 and …1436).
 */
export class ChunkChain {
  readonly #arena: SlabArena;

  constructor(arena: SlabArena) {
    this.#arena = arena;
  }

  /** Returns the slot after this one, 0 after the last. */
  next(ref: number): number {
    const { words, slotBytes } = this.#arena.page(ref);
    return words[(this.#arena.start(ref) + slotBytes - LINK_BYTES) / 4] ?? 0;
  }

  isChunk(ref: number): boolean {
    return this.#arena.page(ref).words[this.#arena.start(ref) / 4 + SLOT_USED_WORD] === CHUNK;
  }

  /** Returns the slots of a large record, including its head. */
  slotsOf(head: number): SlotCounts {
    let full = 0;
    for (let ref = head; ref !== 0; ref = this.next(ref)) {
      const { slotBytes } = this.#arena.page(ref);
      if (slotBytes !== MAX_SLOT_BYTES) return { full, tailBytes: slotBytes };
      full += 1;
    }
    return { full, tailBytes: 0 };
  }

  /**
   * Gives a head the chunks for `full` whole slots and one of `tailBytes`. It keeps those of its chunks that it can, then frees the
   * others, and then allocates what is missing. The caller has made sure that there is room.
   * @param first the first of its present chunks, 0 if it has none
   */
  resize(head: number, first: number, { full, tailBytes }: SlotCounts): void {
    let last = head;
    let chunk = first;
    let missing = full - 1;
    for (; missing > 0 && chunk !== 0 && this.#isFull(chunk); missing--) {
      last = chunk;
      chunk = this.next(chunk);
    }
    this.#freeFrom(chunk);
    this.#setNext(last, 0);
    for (; missing > 0; missing--) last = this.#append(last, MAX_SLOT_BYTES);
    if (tailBytes > 0) this.#append(last, tailBytes);
  }

  /** Frees the chunks that are not needed for the first `bytes` bytes of the record. */
  truncate(head: number, bytes: number): void {
    let last = head;
    let held = this.#slotBytes(head) - LINK_BYTES;
    while (held < bytes) {
      last = this.next(last);
      held += this.#slotBytes(last) - CHUNK_HEADER_BYTES - LINK_BYTES;
    }
    this.#freeFrom(this.next(last));
    this.#setNext(last, 0);
  }

  /** Frees all chunks of a head. */
  free(head: number): void {
    this.#freeFrom(this.next(head));
  }

  /** Makes the neighbours of a moved chunk or head refer to its new slot. */
  relink(ref: number): void {
    if (this.isChunk(ref)) this.#setNext(this.#word(ref, PREVIOUS), ref);
    const next = this.next(ref);
    if (next !== 0) this.#setWord(next, PREVIOUS, ref);
  }

  #append(last: number, bytes: number): number {
    const ref = this.#arena.allocate(bytes);
    if (ref === 0) throw new RangeError('no room for a chunk, though it was reserved');
    this.#setWord(ref, PREVIOUS, last);
    this.#setWord(ref, SLOT_USED_WORD, CHUNK);
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
const CHUNK = 2 ** 32 - 1;
