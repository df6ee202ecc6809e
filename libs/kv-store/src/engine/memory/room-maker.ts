import type { MemoryBudget } from './memory-budget.js';
import type { Records } from './records.js';
import { MAX_SLOT_BYTES, PAGE_BYTES } from './slab/size-classes.js';
import { SlabArena } from './slab/slab-arena.js';
import { capacityOf, missingSlots, NO_SLOTS, slotsFor, type SlotCounts } from './slab/spread-layout.js';

/** The pairs that may go for others. */
export interface Dispensable {
  /**
   * Removes some that have expired.
   * @returns whether anything was removed
   */
  reclaim(nowMicros: number): boolean;
  /** The record that goes first, 0 where none may. */
  victim(): number;
  evict(ref: number): void;
}

/**
 * Makes room by whatever it takes: memory that is free, memory freed by moving pairs together, the slots of the pair
 * that is overwritten, the memory of pairs that have expired, and last of evicted ones. Where what there is to be room
 * for would not fit even then, nothing goes for it.
 */
export class RoomMaker {
  readonly #arena: SlabArena;
  readonly #records: Records;
  readonly #budget: MemoryBudget;
  readonly #pairs: Dispensable;

  constructor(arena: SlabArena, records: Records, budget: MemoryBudget, pairs: Dispensable) {
    this.#arena = arena;
    this.#records = records;
    this.#budget = budget;
    this.#pairs = pairs;
  }

  /** Room for what is not a record; false when there is none. */
  forTable(bytes: number, nowMicros: number): boolean {
    while (!this.#budget.fits(bytes)) {
      if (this.#arena.dropSpare() || this.#arena.compact()) continue;
      if (!this.#letGo(nowMicros, true)) return false;
    }
    return true;
  }

  /**
   * A slot for a record, which is taken.
   * @param overwritten the record in whose place it comes, 0 for none
   * @returns 0 when there is none, {@link IN_PLACE} for the slot of the one that is overwritten
   */
  forRecord(size: number, overwritten: number, nowMicros: number): number {
    const fitsInPlace = overwritten !== 0 && this.#arena.page(overwritten).slotBytes >= size;
    if (!fitsInPlace && !this.#canEverFit(ONE_FULL)) return 0;
    for (let times = MOST_TIMES; ;) {
      const ref = this.#arena.allocate(size);
      if (ref !== 0) return ref;
      if (this.#arena.compact()) continue;
      if (fitsInPlace) return IN_PLACE;
      if (!this.#letGo(nowMicros, times-- > 0)) return 0;
    }
  }

  /**
   * Room for a record that is larger than any slot. It is made before any of it is taken: so nothing is ever half
   * there while other records are moved, and there is nothing to take back.
   * @param overwritten finds the record in whose place it comes, 0 for none, as that may be moved or evicted
   * @returns 0 when there is none, {@link IN_PLACE} where it has to do with the slots of the one that is overwritten,
   * {@link ENOUGH} for its slots, if those are kept or freed first
   */
  forSpread(size: number, overwritten: () => number, nowMicros: number): number {
    const wanted = slotsFor(size);
    let held = this.#held(overwritten());
    const fitsInPlace = (): boolean => capacityOf(held) >= size;
    if (!fitsInPlace() && !this.#canEverFit(wanted)) return 0;
    // Each time reclaims a page or so where most has expired.
    for (let times = MOST_TIMES + Math.ceil(size / PAGE_BYTES); ;) {
      const missing = missingSlots(wanted, held);
      if (this.#arena.hasRoomFor(missing)) return ENOUGH;
      if (this.#arena.compact(missing.full)) continue;
      if (fitsInPlace()) return IN_PLACE;
      if (!this.#letGo(nowMicros, times-- > 0)) return 0;
      if (overwritten() === 0) held = NO_SLOTS;
    }
  }

  /** Has pairs go that have expired, if those may be looked for, or else one be evicted; false where none may. */
  #letGo(nowMicros: number, mayReclaim: boolean): boolean {
    if (mayReclaim && this.#pairs.reclaim(nowMicros)) return true;
    const victim = this.#pairs.victim();
    if (victim === 0) return false;
    this.#pairs.evict(victim);
    return true;
  }

  /** Whether there is room beside the tables, which stay when all pairs are gone. */
  #canEverFit(slots: SlotCounts): boolean {
    const tableBytes = this.#budget.usedBytes - this.#arena.usedBytes;
    return SlabArena.cost(slots) + tableBytes <= this.#budget.limitBytes;
  }

  /** What a record that is spread can have of another's slots. */
  #held(ref: number): SlotCounts {
    if (ref === 0 || this.#arena.page(ref).slotBytes !== MAX_SLOT_BYTES) return NO_SLOTS;
    return this.#records.isSpread(ref) ? this.#records.pieces.held(ref) : ONE_FULL;
  }
}

/** In no slot of its own: no reference is this, as the first page has number 1. */
export const IN_PLACE = 1;

/** Not a reference either. */
const ENOUGH = 2;

const ONE_FULL: SlotCounts = Object.freeze({ full: 1, tailBytes: 0 });

/** How often the expired ones are asked for room, while they give any, for a pair that needs only little. */
const MOST_TIMES = 8;
