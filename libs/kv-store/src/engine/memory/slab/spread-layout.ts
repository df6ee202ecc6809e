import { classIndexFor, MAX_SLOT_BYTES, SLOT_SIZES } from './size-classes.js';

// How a record that is larger than any slot is spread over several: a head and pieces, all of the largest size but the
// last piece, which is as small as it can be. Each ends with a word that refers to the next.

/** Slots of the largest size, and one of a smaller size, big enough for so many bytes; 0 for none. */
export interface SlotCounts {
  readonly full: number;
  readonly tailBytes: number;
}

export const NO_SLOTS: SlotCounts = Object.freeze({ full: 0, tailBytes: 0 });

/** The word at the end of a slot that refers to the next. */
export const LINK_BYTES = 4;

/** What a piece has in front of its share of the record. */
export const PIECE_HEADER_BYTES = 20;

/** How much of a spread record lies in its head. */
export const HEAD_BYTES = MAX_SLOT_BYTES - LINK_BYTES;

/** How much lies in a piece of the largest size. */
export const FULL_PIECE_BYTES = pieceBytes(MAX_SLOT_BYTES);

/** The slots for a record of this size, which is above {@link MAX_SLOT_BYTES}; its head is one of them. */
export function slotsFor(size: number): SlotCounts {
  const inPieces = size - HEAD_BYTES;
  const full = 1 + Math.floor(inPieces / FULL_PIECE_BYTES);
  const rest = inPieces % FULL_PIECE_BYTES;
  if (rest === 0) return { full, tailBytes: 0 };
  const tailBytes = PIECE_HEADER_BYTES + rest + LINK_BYTES;
  return isFull(tailBytes) ? { full: full + 1, tailBytes: 0 } : { full, tailBytes };
}

/** How much of a record the slots hold. */
export function capacityOf({ full, tailBytes }: SlotCounts): number {
  const inFull = full === 0 ? 0 : HEAD_BYTES + (full - 1) * FULL_PIECE_BYTES;
  return inFull + (tailBytes === 0 ? 0 : pieceBytes(tailBytes));
}

/** Which of the slots wanted are to be allocated, where others are held that may be freed first. */
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

function pieceBytes(slotBytes: number): number {
  return slotBytes - PIECE_HEADER_BYTES - LINK_BYTES;
}

function isFull(bytes: number): boolean {
  return classIndexFor(bytes) === SLOT_SIZES.length - 1;
}
