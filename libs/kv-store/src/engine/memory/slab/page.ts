import { PAGE_BYTES } from './size-classes.js';

/**
 * Slots of one size in one buffer. In a used slot, the word {@link SLOT_USED_WORD} is not 0; a record has the length
 * of its key there. In a free slot that word is 0, and the first word has the number of the next free slot plus one.
 */
export class Page {
  /** The page's part in references to its slots. */
  number = 0;
  slotBytes = PAGE_BYTES;
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly view: DataView;
  usedSlots = 0;
  /** The index of the page in its class's list of pages with room; -1 if it has none. */
  roomIndex = -1;
  /** Slots from this one on were never used. */
  #untouched = 0;
  #firstFree = 0;

  constructor() {
    const buffer = new ArrayBuffer(PAGE_BYTES);
    this.bytes = Buffer.from(buffer);
    this.words = new Uint32Array(buffer);
    this.doubles = new Float64Array(buffer);
    this.view = new DataView(buffer);
  }

  get slotCount(): number {
    return Math.floor(PAGE_BYTES / this.slotBytes);
  }

  get isFull(): boolean {
    return this.usedSlots === this.slotCount;
  }

  /** Gives an empty page slots of another size. */
  reset(slotBytes: number): void {
    this.slotBytes = slotBytes;
    this.#untouched = 0;
    this.#firstFree = 0;
  }

  /** Allocates a slot; returns the byte at which it starts. The page must not be full. */
  allocate(): number {
    this.usedSlots += 1;
    if (this.#firstFree === 0) return this.#untouched++ * this.slotBytes;
    const start = (this.#firstFree - 1) * this.slotBytes;
    this.#firstFree = this.words[start / 4] ?? 0;
    return start;
  }

  free(start: number): void {
    this.usedSlots -= 1;
    this.words[start / 4] = this.#firstFree;
    this.words[start / 4 + SLOT_USED_WORD] = 0;
    this.#firstFree = start / this.slotBytes + 1;
  }

  /** Returns the bytes at which the used slots start. */
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
