import type { Page } from './page.js';
import { PAGE_BYTES } from './size-classes.js';

/** The pages of one slot size. */
export class SizeClass {
  readonly slotsPerPage: number;
  /** Free slots in all pages of the class. */
  freeSlots = 0;
  pageCount = 0;
  readonly #withRoom: Page[] = [];
  #nextSample = 0;

  constructor(readonly slotBytes: number) {
    this.slotsPerPage = Math.floor(PAGE_BYTES / slotBytes);
  }

  /** Returns whether the records of one page fit the free slots of the others, if `keptFree` of those must stay free. */
  canSparePage(keptFree = 0): boolean {
    return this.freeSlots - keptFree >= this.slotsPerPage && this.pageCount > 1;
  }

  /** Returns how many more pages are needed for `slots` slots. */
  missingPages(slots: number): number {
    return Math.max(0, Math.ceil((slots - this.freeSlots) / this.slotsPerPage));
  }

  /** Whether enough slots are free that moving records together is worthwhile. */
  get isSparse(): boolean {
    return this.freeSlots > 2 * this.slotsPerPage + (this.pageCount * this.slotsPerPage) / 8;
  }

  get pageWithRoom(): Page | undefined {
    return this.#withRoom.at(-1);
  }

  /** Returns the emptiest of a few pages with room. Looking at all pages would take too long in a large store. */
  emptiestPage(): Page | undefined {
    let emptiest: Page | undefined;
    for (let i = 0; i < Math.min(SAMPLES, this.#withRoom.length); i++) {
      const page = this.#withRoom[this.#nextSample++ % this.#withRoom.length];
      if (page !== undefined && page.usedSlots < (emptiest?.usedSlots ?? Infinity)) emptiest = page;
    }
    return emptiest;
  }

  addRoom(page: Page): void {
    page.roomIndex = this.#withRoom.push(page) - 1;
  }

  removeRoom(page: Page): void {
    const last = this.#withRoom.pop();
    if (last !== undefined && last !== page) {
      this.#withRoom[page.roomIndex] = last;
      last.roomIndex = page.roomIndex;
    }
    page.roomIndex = -1;
  }
}

const SAMPLES = 16;
