import type { Page } from './page.js';
import { PAGE_BYTES } from './size-classes.js';

/** The pages whose slots have one size, as far as they have room. */
export class SizeClass {
  readonly slotsPerPage: number;
  /** Free slots in all of the class's pages. */
  freeSlots = 0;
  pageCount = 0;
  readonly #withRoom: Page[] = [];
  #nextSample = 0;

  constructor(readonly slotBytes: number) {
    this.slotsPerPage = Math.floor(PAGE_BYTES / slotBytes);
  }

  /** Whether what is in one page fits into the free slots of the others, so many of which are to stay free. */
  canSparePage(keptFree = 0): boolean {
    return this.freeSlots - keptFree >= this.slotsPerPage && this.pageCount > 1;
  }

  /** How many pages more it takes for so many slots. */
  missingPages(slots: number): number {
    return Math.max(0, Math.ceil((slots - this.freeSlots) / this.slotsPerPage));
  }

  /** Whether so much is free that moving slots together is worth its while. */
  get isSparse(): boolean {
    return this.freeSlots > 2 * this.slotsPerPage + (this.pageCount * this.slotsPerPage) / 8;
  }

  get pageWithRoom(): Page | undefined {
    return this.#withRoom.at(-1);
  }

  /** Of a few pages with room, the emptiest: looking at all of them would take too long in a large store. */
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
