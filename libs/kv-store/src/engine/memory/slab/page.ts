import { PAGE_BYTES } from './size-classes.js';

/**
 * Slots of one size in one buffer. A slot in use has something other than 0 in the word {@link SLOT_USED_WORD}, such
 * as the length of its key; a free one has 0 there, and in its first word the number of the next free slot plus one.
 */
export class Page {
  /** What references to the page's slots are made of. */
  number = 0;
  slotBytes = PAGE_BYTES;
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  usedSlots = 0;
  /** Where the page stands in its class's list of pages with room; -1 when it has none. */
  roomIndex = -1;
  /** Slots from here on were never used. */
  #untouched = 0;
  #firstFree = 0;

  constructor() {
    const buffer = new ArrayBuffer(PAGE_BYTES);
    this.bytes = Buffer.from(buffer);
    this.words = new Uint32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }

  get slotCount(): number {
    return Math.floor(PAGE_BYTES / this.slotBytes);
  }

  get isFull(): boolean {
    return this.usedSlots === this.slotCount;
  }

  /** Makes an empty page one of slots of this size. */
  reset(slotBytes: number): void {
    this.slotBytes = slotBytes;
    this.#untouched = 0;
    this.#firstFree = 0;
  }

  /** The byte at which the slot starts. The page must not be full. */
  take(): number {
    this.usedSlots += 1;
    if (this.#firstFree === 0) return this.#untouched++ * this.slotBytes;
    const start = (this.#firstFree - 1) * this.slotBytes;
    this.#firstFree = this.words[start / 4] ?? 0;
    return start;
  }

  give(start: number): void {
    this.usedSlots -= 1;
    this.words[start / 4] = this.#firstFree;
    this.words[start / 4 + SLOT_USED_WORD] = 0;
    this.#firstFree = start / this.slotBytes + 1;
  }

  /** Where the slots in use start. */
  usedStarts(): number[] {
    const starts: number[] = [];
    for (let slot = 0; slot < this.#untouched; slot++) {
      const start = slot * this.slotBytes;
      if (this.words[start / 4 + SLOT_USED_WORD] !== 0) starts.push(start);
    }
    return starts;
  }
}

export const SLOT_USED_WORD = 4;
