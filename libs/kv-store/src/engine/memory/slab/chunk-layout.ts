import { classIndexFor, MAX_SLOT_BYTES, SLOT_SIZES } from './size-classes.js';

// The sizes of the slots of a large record: a head and chunks of the largest slot size, and a last chunk that is as
// small as possible. See chunk-chain.ts.

/** A number of slots of the largest size, and the bytes for one smaller slot, 0 for none. */
export interface SlotCounts {
  readonly full: number;
  readonly tailBytes: number;
}

export const NO_SLOTS: SlotCounts = Object.freeze({ full: 0, tailBytes: 0 });

/** The word at the end of a slot that refers to the next. */
export const LINK_BYTES = 4;

/** The bytes of a chunk before those of the record. */
export const CHUNK_HEADER_BYTES = 20;

/** How many bytes of a large record are in its head, including the record's header. */
export const HEAD_BYTES = MAX_SLOT_BYTES - LINK_BYTES;

/** How many bytes of a record are in a chunk of the largest size. */
export const FULL_CHUNK_BYTES = chunkBytes(MAX_SLOT_BYTES);

/** Returns the slots for a record that is larger than {@link MAX_SLOT_BYTES}, including its head. */
export function slotsFor(size: number): SlotCounts {
  const inChunks = size - HEAD_BYTES;
  const full = 1 + Math.floor(inChunks / FULL_CHUNK_BYTES);
  const rest = inChunks % FULL_CHUNK_BYTES;
  if (rest === 0) return { full, tailBytes: 0 };
  const tailBytes = CHUNK_HEADER_BYTES + rest + LINK_BYTES;
  return isFull(tailBytes) ? { full: full + 1, tailBytes: 0 } : { full, tailBytes };
}

/** Returns how many bytes of a record fit the slots. */
export function capacityOf({ full, tailBytes }: SlotCounts): number {
  const inFull = full === 0 ? 0 : HEAD_BYTES + (full - 1) * FULL_CHUNK_BYTES;
  return inFull + (tailBytes === 0 ? 0 : chunkBytes(tailBytes));
}

/** Returns the slots to allocate, if the held slots are reused or freed first. */
export function missingSlots(wanted: SlotCounts, held: SlotCounts): SlotCounts {
  const hasTail =
    held.tailBytes > 0 &&
    wanted.tailBytes > 0 &&
    classIndexFor(held.tailBytes) === classIndexFor(wanted.tailBytes);
  return {
    full: Math.max(0, wanted.full - held.full),
    tailBytes: hasTail ? 0 : wanted.tailBytes,
  };
}

function chunkBytes(slotBytes: number): number {
  return slotBytes - CHUNK_HEADER_BYTES - LINK_BYTES;
}

function isFull(bytes: number): boolean {
  return classIndexFor(bytes) === SLOT_SIZES.length - 1;
}
