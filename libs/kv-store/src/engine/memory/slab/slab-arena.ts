import type { MemoryBudget } from '../memory-budget.js';
import { Page } from './page.js';
import { SizeClass } from './size-class.js';
import { classIndexFor, MAX_SLOT_BYTES, PAGE_BYTES, SLOT_SIZES, UNIT_BYTES } from './size-classes.js';

/**
 * Memory outside of the JavaScript heap, in slots of fixed sizes, as memcached has it: small ones share pages, a
 * large one has a buffer of its own. So the garbage collector has nothing to look at, and every byte is counted.
 *
 * A slot's reference is an unsigned 32-bit number: for a small slot its page (19 bits) and its place there in units
 * of 16 bytes (12 bits); for a large one the top bit and a number. 0 refers to nothing.
 *
 * Unlike memcached's, a page is not its size's for ever: where a size has much room, its pairs are moved together
 * and the page freed serves any other. Whoever holds references learns of it by `moved`.
 */
export class SlabArena {
  readonly #budget: MemoryBudget;
  readonly #moved: (from: number, to: number) => void;
  readonly #classes = SLOT_SIZES.map((size) => new SizeClass(size));
  /** By number; number 0 is never used, so that no reference is 0. */
  readonly #pages: (Page | undefined)[] = [undefined];
  readonly #freePageNumbers: number[] = [];
  readonly #large: (Page | undefined)[] = [];
  readonly #freeLargeNumbers: number[] = [];
  /** Empty pages kept for the next who needs one; they count as used. */
  readonly #spare: Page[] = [];

  /** What its pages take of the budget. */
  usedBytes = 0;

  constructor(budget: MemoryBudget, moved: (from: number, to: number) => void) {
    this.#budget = budget;
    this.#moved = moved;
  }

  /**
   * Moves nothing, and looks at nothing but what it was asked for.
   * @param soonFreed bytes that will be freed right after
   * @returns 0 when there is no room
   */
  allocate(bytes: number, soonFreed: number): number {
    if (bytes > MAX_SLOT_BYTES) return this.#allocateLarge(bytes, soonFreed);
    const sizeClass = this.#classOf(bytes);
    const page = sizeClass.pageWithRoom ?? this.#addPage(sizeClass, soonFreed);
    if (page === undefined) return 0;
    const start = page.take();
    sizeClass.freeSlots -= 1;
    if (page.isFull) sizeClass.removeRoom(page);
    return smallRef(page, start);
  }

  free(ref: number): void {
    if (ref >= LARGE) return this.#freeLarge(ref - LARGE);
    const page = this.page(ref);
    const sizeClass = this.#classOf(page.slotBytes);
    if (page.isFull) sizeClass.addRoom(page);
    page.give(this.start(ref));
    sizeClass.freeSlots += 1;
    if (page.usedSlots === 0) this.#dropPage(sizeClass, page);
  }

  /** Moves pairs together where {@link free} left much room. */
  tidyAfterFree(slotBytes: number): void {
    if (slotBytes > MAX_SLOT_BYTES) return;
    const sizeClass = this.#classOf(slotBytes);
    if (sizeClass.isSparse) this.#evacuate(sizeClass);
  }

  /**
   * Frees a page by moving what is in it, or lets go of pages that are only kept in case.
   * @param bytes what room is made for
   * @returns false when neither is possible
   */
  compact(bytes: number): boolean {
    if (bytes > MAX_SLOT_BYTES && this.#spare.length > 0) {
      this.#dropSpare();
      return true;
    }
    const sizeClass = this.#classes.find(({ canSparePage }) => canSparePage);
    return sizeClass !== undefined && this.#evacuate(sizeClass);
  }

  /** Whether a record of this size belongs into the slot that this one has. */
  isSlotFor(ref: number, bytes: number): boolean {
    const { slotBytes } = this.page(ref);
    if (ref >= LARGE) return bytes <= slotBytes && bytes > MAX_SLOT_BYTES && bytes > slotBytes * 0.875;
    return bytes <= MAX_SLOT_BYTES && this.#classOf(bytes).slotBytes === slotBytes;
  }

  page(ref: number): Page {
    const page = ref >= LARGE ? this.#large[ref - LARGE] : this.#pages[ref >>> UNIT_BITS];
    if (page === undefined) throw new RangeError('a reference to memory that is not held');
    return page;
  }

  /** The byte of its page at which the slot starts. */
  start(ref: number): number {
    return ref >= LARGE ? 0 : (ref & UNIT_MASK) * UNIT_BYTES;
  }

  /** The bytes that come free at once with a slot: all of a large one's, none of one in a page. */
  bytesOfOwn(ref: number): number {
    return ref >= LARGE ? largeCost(this.page(ref).byteCount) : 0;
  }

  /** The most bytes that {@link allocate} has to find room for. */
  static cost(bytes: number): number {
    return bytes > MAX_SLOT_BYTES ? largeCost(bytes) : PAGE_COST;
  }

  #classOf(bytes: number): SizeClass {
    const sizeClass = this.#classes[classIndexFor(bytes)];
    if (sizeClass === undefined) throw new RangeError(`${bytes} bytes fit no slot`);
    return sizeClass;
  }

  #addPage(sizeClass: SizeClass, soonFreed: number): Page | undefined {
    const page = this.#spare.pop() ?? this.#newPage(sizeClass.slotBytes, soonFreed);
    if (page === undefined) return undefined;
    page.reset(sizeClass.slotBytes);
    sizeClass.pageCount += 1;
    sizeClass.freeSlots += sizeClass.slotsPerPage;
    sizeClass.addRoom(page);
    return page;
  }

  #newPage(slotBytes: number, soonFreed: number): Page | undefined {
    const number = this.#freePageNumbers.at(-1) ?? this.#pages.length;
    if (number > MAX_PAGES || !this.#budget.fits(PAGE_COST, soonFreed)) return undefined;
    this.#freePageNumbers.pop();
    this.#charge(PAGE_COST);
    const page = new Page(number, PAGE_BYTES, slotBytes);
    this.#pages[number] = page;
    return page;
  }

  #dropPage(sizeClass: SizeClass, page: Page): void {
    if (page.roomIndex >= 0) sizeClass.removeRoom(page);
    sizeClass.pageCount -= 1;
    sizeClass.freeSlots -= sizeClass.slotsPerPage;
    this.#spare.push(page);
    if (this.#spare.length > MAX_SPARE_PAGES) this.#dropSpare();
  }

  #dropSpare(): void {
    for (const page of this.#spare.splice(0)) {
      this.#pages[page.number] = undefined;
      this.#freePageNumbers.push(page.number);
      this.#charge(-PAGE_COST);
    }
  }

  #evacuate(sizeClass: SizeClass): boolean {
    const page = sizeClass.emptiestPage();
    if (page === undefined || !sizeClass.canSparePage) return false;
    sizeClass.removeRoom(page);
    for (const start of page.usedStarts()) {
      const to = this.allocate(sizeClass.slotBytes, 0);
      const target = this.page(to);
      page.bytes.copy(target.bytes, this.start(to), start, start + sizeClass.slotBytes);
      this.#moved(smallRef(page, start), to);
      page.give(start);
      sizeClass.freeSlots += 1;
    }
    this.#dropPage(sizeClass, page);
    return true;
  }

  #charge(bytes: number): void {
    this.#budget.charge(bytes);
    this.usedBytes += bytes;
  }

  #allocateLarge(bytes: number, soonFreed: number): number {
    const byteCount = roundedUp(bytes);
    if (!this.#budget.fits(largeCost(bytes), soonFreed)) return 0;
    this.#charge(largeCost(bytes));
    const number = this.#freeLargeNumbers.pop() ?? this.#large.length;
    const page = new Page(number, byteCount, byteCount);
    page.take();
    this.#large[number] = page;
    return LARGE + number;
  }

  #freeLarge(number: number): void {
    this.#charge(-this.bytesOfOwn(LARGE + number));
    this.#large[number] = undefined;
    this.#freeLargeNumbers.push(number);
  }
}

function smallRef(page: Page, start: number): number {
  return page.number * (UNIT_MASK + 1) + start / UNIT_BYTES;
}

function largeCost(bytes: number): number {
  return roundedUp(bytes) + PAGE_OVERHEAD_BYTES;
}

function roundedUp(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

const LARGE = 2 ** 31;
const UNIT_BITS = 12;
const UNIT_MASK = 2 ** UNIT_BITS - 1;
const MAX_PAGES = 2 ** 19 - 1;
const MAX_SPARE_PAGES = 4;

/** A page's buffer, views and objects, as measured. */
const PAGE_OVERHEAD_BYTES = 640;
const PAGE_COST = PAGE_BYTES + PAGE_OVERHEAD_BYTES;
