import type { MemoryBudget } from './memory-budget.js';
import type { Records } from './records.js';
import { capacityOf, missingSlots, NO_SLOTS, slotsFor, type SlotCounts } from './slab/chunk-layout.js';
import { MAX_SLOT_BYTES, PAGE_BYTES } from './slab/size-classes.js';
import { SlabArena } from './slab/slab-arena.js';

/** The pairs that may be removed to free memory. */
export interface RemovablePairs {
  /**
   * Removes some that have expired.
   * @returns whether anything was removed
   */
  reclaim(nowMicros: number): boolean;
  /** Returns the record to evict next, 0 if none may be evicted. */
  victim(): number;
  evict(ref: number): void;
}

/** The reference of a new slot, or that the overwritten record's slot must do. */
export type Slot = number | 'in place' | 'no room';

/**
 * The memory for a large record. `reserved`: the slots that it needs are free, or belong to the overwritten record. `in place`:
 * the slots of the overwritten record are the only ones, and are enough.
 */
export type LargeRoom = 'reserved' | 'in place' | 'no room';

/**
 * Finds memory for records and tables. It uses, in this order: free memory, memory freed by moving records together, the
 * slots of the overwritten record, and the memory of expired pairs and then of evicted ones. If even all of these would
 * not be enough, it removes nothing.
 */
export class Allocator {
  readonly #arena: SlabArena;
  readonly #records: Records;
  readonly #budget: MemoryBudget;
  readonly #pairs: RemovablePairs;

  constructor(arena: SlabArena, records: Records, budget: MemoryBudget, pairs: RemovablePairs) {
    this.#arena = arena;
    this.#records = records;
    this.#budget = budget;
    this.#pairs = pairs;
  }

  /** Reserves a part of the budget for a table; returns false if that is not possible. */
  reserve(bytes: number, nowMicros: number): boolean {
    while (!this.#budget.fits(bytes)) {
      if (this.#arena.dropSpare() || this.#arena.compact()) continue;
      if (!this.#removePairs(nowMicros, true)) return false;
    }
    return true;
  }

  /**
   * Returns whether `bytes` bytes are free for pages and tables. If not, moves records together to free some pages, but
   * removes no pairs.
   */
  hasFree(bytes: number): boolean {
    for (let pages = 0; this.#budget.freeBytes < bytes;) {
      if (this.#arena.dropSpare()) continue;
      if (pages++ === MAX_PAGES_PER_LOOK || !this.#arena.compact()) return false;
    }
    return true;
  }

  /**
   * Allocates a slot for a record.
   * @param overwritten the record that the new one overwrites, 0 if none
   */
  allocate(size: number, overwritten: number, nowMicros: number): Slot {
    const fitsInPlace = overwritten !== 0 && this.#arena.page(overwritten).slotBytes >= size;
    if (!fitsInPlace && !this.#canEverFit(ONE_FULL)) return 'no room';
    for (let reclaims = MAX_RECLAIMS; ;) {
      const ref = this.#arena.allocate(size);
      if (ref !== 0) return ref;
      if (this.#arena.compact()) continue;
      if (fitsInPlace) return 'in place';
      if (!this.#removePairs(nowMicros, reclaims-- > 0)) return 'no room';
    }
  }

  /**
   * Frees the slots that a large record needs, and allocates none. So no record is ever incomplete while others are moved
   * or evicted, and nothing has to be undone.
   * @param overwritten finds the record that the new one overwrites, 0 if none; it may be moved or evicted meanwhile
   */
  reserveLarge(size: number, overwritten: () => number, nowMicros: number): LargeRoom {
    const wanted = slotsFor(size);
    let held = this.#slotsOf(overwritten());
    const fitsInPlace = (): boolean => capacityOf(held) >= size;
    if (!fitsInPlace() && !this.#canEverFit(wanted)) return 'no room';
    // Each time reclaims a page or so if most pairs have expired.
    for (let reclaims = MAX_RECLAIMS + Math.ceil(size / PAGE_BYTES); ;) {
      const missing = missingSlots(wanted, held);
      if (this.#arena.hasRoomFor(missing)) return 'reserved';
      if (this.#arena.compact(missing.full)) continue;
      if (fitsInPlace()) return 'in place';
      if (!this.#removePairs(nowMicros, reclaims-- > 0)) return 'no room';
      if (overwritten() === 0) held = NO_SLOTS;
    }
  }

  /** Removes expired pairs, if the caller may still look for them, or else evicts one pair. */
  #removePairs(nowMicros: number, mayReclaim: boolean): boolean {
    if (mayReclaim && this.#pairs.reclaim(nowMicros)) return true;
    const victim = this.#pairs.victim();
    if (victim === 0) return false;
    this.#pairs.evict(victim);
    return true;
  }

  /** Whether the slots fit beside the tables, which stay when all pairs are gone. */
  #canEverFit(slots: SlotCounts): boolean {
    const tableBytes = this.#budget.usedBytes - this.#arena.usedBytes;
    return SlabArena.cost(slots) + tableBytes <= this.#budget.limitBytes;
  }

  /** The slots of a record that a large record can reuse. */
  #slotsOf(ref: number): SlotCounts {
    if (ref === 0 || this.#arena.page(ref).slotBytes !== MAX_SLOT_BYTES) return NO_SLOTS;
    return this.#records.isLarge(ref) ? this.#records.chunks.slotsOf(ref) : ONE_FULL;
  }
}

const ONE_FULL: SlotCounts = Object.freeze({ full: 1, tailBytes: 0 });

/** To free this many pages takes a few milliseconds at most. */
const MAX_PAGES_PER_LOOK = 4;

/** How often a small record may have expired pairs reclaimed. */
const MAX_RECLAIMS = 8;
