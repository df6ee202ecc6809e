import type { MemoryBudget } from '../memory-budget.js';
import { Page } from './page.js';
import { SizeClass } from './size-class.js';
import { classIndexFor, MAX_SLOT_BYTES, PAGE_BYTES, SLOT_SIZES, UNIT_BYTES } from './size-classes.js';
import type { SlotCounts } from './chunk-layout.js';

/**
 * Memory outside of the JavaScript heap, in slots of fixed sizes that share pages, as in memcached. So the garbage
 * collector has nothing to walk, and every byte is counted.
 *
 * The reference of a slot is an unsigned 32-bit number: its page (20 bits) and its position there in units of 16
 * bytes (12 bits). 0 refers to nothing.
 *
 * Unlike in memcached, a page can change its slot size: if a size has many free slots, the arena moves its records
 * together and frees a page for any other size. It calls `moved` for each moved slot.
 */
export class SlabArena {
  readonly #budget: MemoryBudget;
  readonly #moved: (from: number, to: number) => void;
  readonly #classes = SLOT_SIZES.map((size) => new SizeClass(size));
  readonly #largest = this.#classOf(MAX_SLOT_BYTES);
  /** By number. Number 0 is never used, so that no reference is 0. */
  readonly #pages: (Page | undefined)[] = [undefined];
  readonly #freePageNumbers: number[] = [];
  /** Empty pages that are kept for later, few after {@link tidy}. They count as used. */
  readonly #spare: Page[] = [];
  /** Freed pages, oldest first, that the garbage collector has not collected yet. */
  readonly #dropped: WeakRef<Page>[] = [];
  /** Sizes that may have many free slots. */
  readonly #sparse = new Set<SizeClass>();

  /** How much of the budget its pages use. */
  usedBytes = 0;

  constructor(budget: MemoryBudget, moved: (from: number, to: number) => void) {
    this.#budget = budget;
    this.#moved = moved;
  }

  /**
   * Allocates a slot. Moves nothing.
   * @returns 0 if there is no room
   */
  allocate(bytes: number): number {
    const sizeClass = this.#classOf(bytes);
    const page = sizeClass.pageWithRoom ?? this.#addPage(sizeClass);
    if (page === undefined) return 0;
    const start = page.allocate();
    sizeClass.freeSlots -= 1;
    if (page.isFull) sizeClass.removeRoom(page);
    return refOf(page, start);
  }

  /** Returns whether all of these slots can be allocated, one after the other. */
  hasRoomFor({ full, tailBytes }: SlotCounts): boolean {
    const missing =
      this.#largest.missingPages(full) + (tailBytes === 0 ? 0 : this.#classOf(tailBytes).missingPages(1));
    const pageCount = this.#pages.length - 1 - this.#freePageNumbers.length;
    const possible = Math.min(Math.floor(this.#budget.freeBytes / PAGE_COST), MAX_PAGES - pageCount);
    return missing <= this.#spare.length + possible;
  }

  free(ref: number): void {
    const page = this.page(ref);
    const sizeClass = this.#classOf(page.slotBytes);
    if (page.isFull) sizeClass.addRoom(page);
    page.free(this.start(ref));
    sizeClass.freeSlots += 1;
    if (page.usedSlots === 0) this.#sparePage(sizeClass, page);
    if (sizeClass.isSparse) this.#sparse.add(sizeClass);
  }

  /**
   * Moves records together if {@link free} left many free slots, and frees empty pages if there are many. Not part
   * of {@link free}, because a large record that is overwritten needs the pages of the chunks that it frees: above its
   * limit, the arena would not get them again.
   */
  tidy(): void {
    if (this.#sparse.size > 0) {
      for (const sizeClass of this.#sparse) while (sizeClass.isSparse && this.#evacuate(sizeClass));
      this.#sparse.clear();
    }
    if (this.#spare.length > MAX_SPARE_PAGES) this.dropSpare();
  }

  /**
   * Frees a page by moving its records.
   * @param keptFree how many free slots of the largest size must stay free
   * @returns false if no page can be freed
   */
  compact(keptFree = 0): boolean {
    const sizeClass = this.#classes.find((each) => each.canSparePage(each === this.#largest ? keptFree : 0));
    return sizeClass !== undefined && this.#evacuate(sizeClass);
  }

  /** Frees the pages that are kept for later; returns false if there are none. */
  dropSpare(): boolean {
    if (this.#spare.length === 0) return false;
    while (this.#dropped.length > 0 && this.#dropped[0]?.deref() === undefined) this.#dropped.shift();
    for (const page of this.#spare.splice(0)) {
      this.#pages[page.number] = undefined;
      this.#freePageNumbers.push(page.number);
      this.#dropped.push(new WeakRef(page));
      this.#charge(-PAGE_COST);
    }
    return true;
  }

  /** Returns whether a record of this size should have a slot of the size of this one. */
  isSlotFor(ref: number, bytes: number): boolean {
    return this.#classOf(bytes).slotBytes === this.page(ref).slotBytes;
  }

  page(ref: number): Page {
    const page = this.#pages[ref >>> UNIT_BITS];
    if (page === undefined) throw new RangeError('a reference to memory that is not held');
    return page;
  }

  /** Returns the byte of its page at which a slot starts. */
  start(ref: number): number {
    return (ref & UNIT_MASK) * UNIT_BYTES;
  }

  /** Returns the bytes of the pages for these slots, if nothing else is in them. */
  static cost({ full, tailBytes }: SlotCounts): number {
    return PAGE_COST * (Math.ceil((full * MAX_SLOT_BYTES) / PAGE_BYTES) + (tailBytes === 0 ? 0 : 1));
  }

  #classOf(bytes: number): SizeClass {
    const sizeClass = this.#classes[classIndexFor(bytes)];
    if (sizeClass === undefined) throw new RangeError(`${bytes} bytes fit no slot`);
    return sizeClass;
  }

  #addPage(sizeClass: SizeClass): Page | undefined {
    const page = this.#spare.pop() ?? this.#newPage();
    if (page === undefined) return undefined;
    page.reset(sizeClass.slotBytes);
    sizeClass.pageCount += 1;
    sizeClass.freeSlots += sizeClass.slotsPerPage;
    sizeClass.addRoom(page);
    return page;
  }

  #newPage(): Page | undefined {
    const number = this.#freePageNumbers.at(-1) ?? this.#pages.length;
    if (number > MAX_PAGES || !this.#budget.fits(PAGE_COST)) return undefined;
    this.#freePageNumbers.pop();
    this.#charge(PAGE_COST);
    const page = this.#droppedPage() ?? new Page();
    page.number = number;
    this.#pages[number] = page;
    return page;
  }

  /**
   * Returns a freed page that the garbage collector has not collected. A new page would take more memory, so the
   * process would grow far beyond its account between two collections.
   */
  #droppedPage(): Page | undefined {
    for (;;) {
      const dropped = this.#dropped.pop();
      const page = dropped?.deref();
      if (dropped === undefined || page !== undefined) return page;
    }
  }

  #sparePage(sizeClass: SizeClass, page: Page): void {
    if (page.roomIndex >= 0) sizeClass.removeRoom(page);
    sizeClass.pageCount -= 1;
    sizeClass.freeSlots -= sizeClass.slotsPerPage;
    this.#spare.push(page);
  }

  #evacuate(sizeClass: SizeClass): boolean {
    const page = sizeClass.emptiestPage();
    if (page === undefined || !sizeClass.canSparePage()) return false;
    sizeClass.removeRoom(page);
    for (const start of page.usedStarts()) {
      const to = this.allocate(sizeClass.slotBytes);
      const target = this.page(to);
      page.bytes.copy(target.bytes, this.start(to), start, start + sizeClass.slotBytes);
      this.#moved(refOf(page, start), to);
      page.free(start);
      sizeClass.freeSlots += 1;
    }
    this.#sparePage(sizeClass, page);
    return true;
  }

  #charge(bytes: number): void {
    this.#budget.charge(bytes);
    this.usedBytes += bytes;
  }
}

function refOf(page: Page, start: number): number {
  return page.number * (UNIT_MASK + 1) + start / UNIT_BYTES;
}

const UNIT_BITS = 12;
const UNIT_MASK = 2 ** UNIT_BITS - 1;
const MAX_PAGES = 2 ** 20 - 1;

/** {@link SlabArena.tidy} keeps up to this many empty pages. */
const MAX_SPARE_PAGES = 4;

/** The buffer, views and objects of a page, as measured. */
const PAGE_OVERHEAD_BYTES = 640;
const PAGE_COST = PAGE_BYTES + PAGE_OVERHEAD_BYTES;
