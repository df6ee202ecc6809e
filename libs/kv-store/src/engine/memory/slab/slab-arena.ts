import type { MemoryBudget } from '../memory-budget.js';
import { Page } from './page.js';
import { SizeClass } from './size-class.js';
import { classIndexFor, MAX_SLOT_BYTES, PAGE_BYTES, SLOT_SIZES, UNIT_BYTES } from './size-classes.js';
import type { SlotCounts } from './spread-layout.js';

/**
 * Memory outside of the JavaScript heap, in slots of fixed sizes that share pages, as memcached has it. So the garbage
 * collector has nothing to look at, and every byte is counted.
 *
 * A slot's reference is an unsigned 32-bit number: its page (20 bits) and its place there in units of 16 bytes
 * (12 bits). 0 refers to nothing.
 *
 * Unlike memcached's, a page is not its size's for ever: where a size has much room, its slots are moved together
 * and the page freed serves any other. Whoever holds references learns of it by `moved`.
 */
export class SlabArena {
  readonly #budget: MemoryBudget;
  readonly #moved: (from: number, to: number) => void;
  readonly #classes = SLOT_SIZES.map((size) => new SizeClass(size));
  readonly #largest = this.#classOf(MAX_SLOT_BYTES);
  /** By number; number 0 is never used, so that no reference is 0. */
  readonly #pages: (Page | undefined)[] = [undefined];
  readonly #freePageNumbers: number[] = [];
  /** Empty pages kept for the next who needs one; they count as used. */
  readonly #spare: Page[] = [];
  /** Pages let go of, oldest first, whose memory the garbage collector has not freed yet. */
  readonly #dropped: WeakRef<Page>[] = [];
  /** Sizes with much room, perhaps, since slots of theirs were freed. */
  readonly #sparse = new Set<SizeClass>();

  /** What its pages take of the budget. */
  usedBytes = 0;

  constructor(budget: MemoryBudget, moved: (from: number, to: number) => void) {
    this.#budget = budget;
    this.#moved = moved;
  }

  /**
   * Moves nothing, and looks at nothing but what it was asked for.
   * @returns 0 when there is no room
   */
  allocate(bytes: number): number {
    const sizeClass = this.#classOf(bytes);
    const page = sizeClass.pageWithRoom ?? this.#addPage(sizeClass);
    if (page === undefined) return 0;
    const start = page.take();
    sizeClass.freeSlots -= 1;
    if (page.isFull) sizeClass.removeRoom(page);
    return refOf(page, start);
  }

  /** Whether all of these slots can be allocated, one after the other. */
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
    page.give(this.start(ref));
    sizeClass.freeSlots += 1;
    if (page.usedSlots === 0) this.#dropPage(sizeClass, page);
    if (sizeClass.isSparse) this.#sparse.add(sizeClass);
  }

  /** Moves slots together where {@link free} left much room. */
  tidy(): void {
    if (this.#sparse.size === 0) return;
    for (const sizeClass of this.#sparse) while (sizeClass.isSparse && this.#evacuate(sizeClass));
    this.#sparse.clear();
  }

  /**
   * Frees a page by moving what is in it.
   * @param keptFree so many free slots of the largest size are needed as they are
   * @returns false when that is not possible
   */
  compact(keptFree = 0): boolean {
    const sizeClass = this.#classes.find((each) => each.canSparePage(each === this.#largest ? keptFree : 0));
    return sizeClass !== undefined && this.#evacuate(sizeClass);
  }

  /** Lets go of the pages that are only kept in case; false when there are none. */
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

  /** Whether a record of this size belongs into the slot that this one has. */
  isSlotFor(ref: number, bytes: number): boolean {
    return this.#classOf(bytes).slotBytes === this.page(ref).slotBytes;
  }

  page(ref: number): Page {
    const page = this.#pages[ref >>> UNIT_BITS];
    if (page === undefined) throw new RangeError('a reference to memory that is not held');
    return page;
  }

  /** The byte of its page at which the slot starts. */
  start(ref: number): number {
    return (ref & UNIT_MASK) * UNIT_BYTES;
  }

  /** What pages for these slots take where nothing else is in them. */
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
   * One that still takes memory: until the garbage collector has come by, a new one would take more. What is dropped
   * and taken in turn would have the process grow by much that is not in the account, and never shrink again.
   */
  #droppedPage(): Page | undefined {
    for (;;) {
      const dropped = this.#dropped.pop();
      const page = dropped?.deref();
      if (dropped === undefined || page !== undefined) return page;
    }
  }

  #dropPage(sizeClass: SizeClass, page: Page): void {
    if (page.roomIndex >= 0) sizeClass.removeRoom(page);
    sizeClass.pageCount -= 1;
    sizeClass.freeSlots -= sizeClass.slotsPerPage;
    this.#spare.push(page);
    if (this.#spare.length > MAX_SPARE_PAGES) this.dropSpare();
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
}

function refOf(page: Page, start: number): number {
  return page.number * (UNIT_MASK + 1) + start / UNIT_BYTES;
}

const UNIT_BITS = 12;
const UNIT_MASK = 2 ** UNIT_BITS - 1;
const MAX_PAGES = 2 ** 20 - 1;
const MAX_SPARE_PAGES = 4;

/** A page's buffer, views and objects, as measured. */
const PAGE_OVERHEAD_BYTES = 640;
const PAGE_COST = PAGE_BYTES + PAGE_OVERHEAD_BYTES;
