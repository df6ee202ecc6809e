/** Slots start at multiples of this, so that a 32-bit reference reaches 64 GiB of pages. */
export const UNIT_BYTES = 16;

/** Small enough that a class with few pairs wastes little, and large enough that there are few pages. */
export const PAGE_BYTES = 64 * 1024;

/** Larger records have chunks. Eight such slots fill a page; larger slots would waste much of it. */
export const MAX_SLOT_BYTES = PAGE_BYTES / 8;

/**
 * The sizes of slots: every multiple of 16 bytes up to 256, then steps of about an eighth. So at most an eighth of a
 * slot is wasted, and a sixteenth on average. Each size is stretched as far as the same number of slots fits a page.
 */
export const SLOT_SIZES: readonly number[] = Object.freeze(slotSizes());

/** Returns the index in {@link SLOT_SIZES} of the smallest slot for `bytes` bytes, at most {@link MAX_SLOT_BYTES}. */
export function classIndexFor(bytes: number): number {
  const index = CLASS_BY_UNITS[Math.ceil(bytes / UNIT_BYTES)];
  if (index === undefined) throw new RangeError(`${bytes} bytes fit no slot`);
  return index;
}

const CLASS_BY_UNITS = Uint8Array.from({ length: MAX_SLOT_BYTES / UNIT_BYTES + 1 }, (_, units) =>
  SLOT_SIZES.findIndex((size) => size >= units * UNIT_BYTES),
);

function slotSizes(): number[] {
  const sizes: number[] = [];
  for (let size = 2 * UNIT_BYTES; size <= MAX_SLOT_BYTES; size = nextSize(size)) sizes.push(stretched(size));
  return sizes;
}

function nextSize(size: number): number {
  const step = size < 256 ? UNIT_BYTES : Math.floor(size / 8 / UNIT_BYTES) * UNIT_BYTES;
  return stretched(size) === MAX_SLOT_BYTES ? Infinity : Math.min(stretched(size) + step, MAX_SLOT_BYTES);
}

function stretched(size: number): number {
  if (size <= 256) return size;
  return Math.floor(PAGE_BYTES / Math.floor(PAGE_BYTES / size) / UNIT_BYTES) * UNIT_BYTES;
}
