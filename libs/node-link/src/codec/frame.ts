/**
 * A frame, all numbers little-endian:
 *
 *     u32  bytes that follow
 *     u8   type
 *     u8   bit 0: the text is UTF-8; otherwise it is Latin-1, a byte for each character
 *     u32  bytes of text
 *          numbers: what the type has, until the text begins
 *          text: that of all keys and values of the frame, joined
 *
 * The text of a frame is one string, read and written in one go, because a crossing from JavaScript to native code
 * and back for each key and value costs more than all else. The numbers say where each one ends, in UTF-16 units.
 */
export const FRAME_HEADER_BYTES = 10;

/** The part of the header that says how long the frame is. */
export const LENGTH_BYTES = 4;

export const FRAME = {
  /** The first frame in each direction: the sender's limits. */
  hello: 1,
  /** Batches to be done, each with an id. */
  calls: 2,
  /** Outcomes of such batches, by id, in any order. */
  answers: 3,
  /** Asks for a pong: is anybody there? */
  ping: 4,
  pong: 5,
  /** The sender is about to end: it finishes what it has, and wants no more. */
  goodbye: 6,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

export const UTF8_TEXT = 1;

export function isFrameType(value: number): value is FrameType {
  return value >= FRAME.hello && value <= FRAME.goodbye;
}
