import { MAX_SLOT_BYTES, PAGE_BYTES, SLOT_SIZES } from './size-classes.js';
import {
  capacityOf,
  FULL_CHUNK_BYTES,
  HEAD_BYTES,
  missingSlots,
  NO_SLOTS,
  slotsFor,
} from './chunk-layout.js';

const SIZES = [1, 2, 3, 8, 128, 1024]
  .flatMap((chunks) =>
    [-8000, -1000, -913, -3, -2, -1, 0, 1, 2, 3].map((more) => HEAD_BYTES + chunks * FULL_CHUNK_BYTES + more),
  )
  .filter((size) => size > MAX_SLOT_BYTES);

describe('the slots of a record larger than any slot', () => {
  it.each(SIZES)('hold it, %i bytes, and waste little', (size) => {
    const { full, tailBytes } = slotsFor(size);
    const tail = tailBytes === 0 ? 0 : (SLOT_SIZES.find((slotBytes) => slotBytes >= tailBytes) ?? 0);
    expect(capacityOf({ full, tailBytes })).toBeGreaterThanOrEqual(size);
    expect(tail).toBeLessThan(MAX_SLOT_BYTES);
    const waste = full * MAX_SLOT_BYTES + tail - size;
    // Of the largest size an eighth, and what each chunk has beside the record.
    expect(waste).toBeLessThan(MAX_SLOT_BYTES / 8 + (full + 1) * (MAX_SLOT_BYTES - FULL_CHUNK_BYTES));
  });

  it('fill their pages', () => {
    expect(PAGE_BYTES % MAX_SLOT_BYTES).toBe(0);
  });

  it('are none too many: with a chunk less, they would not do', () => {
    for (const size of SIZES) {
      const { full, tailBytes } = slotsFor(size);
      const fewer = tailBytes > 0 ? { full, tailBytes: 0 } : { full: full - 1, tailBytes: 0 };
      expect(capacityOf(fewer)).toBeLessThan(size);
    }
  });

  it('are missing where they are not held', () => {
    const wanted = slotsFor(100_000);
    expect(missingSlots(wanted, NO_SLOTS)).toEqual(wanted);
    expect(missingSlots(wanted, wanted)).toEqual(NO_SLOTS);
    expect(missingSlots(wanted, { full: 2, tailBytes: 64 })).toEqual({ ...wanted, full: wanted.full - 2 });
    expect(missingSlots(wanted, { full: 1000, tailBytes: 0 })).toEqual({ ...wanted, full: 0 });
  });
});
