import type { Kind } from '../batch.js';

/** Where a node offers its link, and the token of its protocol in the `Upgrade` header. The number is its version. */
export const LINK_PATH = '/link';
export const LINK_TOKEN = 'kvs-link/10';

/** The other end broke the link's protocol. The frame has no effect, and the link is closed. */
export class LinkProtocolError extends Error {
  override readonly name = 'LinkProtocolError';
}

/**
 * A frame, all numbers little-endian:
 *
 *     u32  bytes that follow
 *     u8   type
 *     u8   bit 0: the text is UTF-8; otherwise it is Latin-1, a byte for each character
 *     u32  bytes of text
 *          numbers: those of the type, until the text begins
 *          text: that of all keys and values of the frame, joined
 *
 * The text of a frame is one string, read and written in one go, because a crossing from JavaScript to native code
 * and back for each key and value costs more than all else. The numbers say where each one ends, in UTF-16 units.
 */
export const FRAME_HEADER_BYTES = 10;

/**
 * A sender that puts calls, answers or messages together begins a further frame at about this size. A larger batch goes in parts
 * of at most this size.
 */
export const FULL_FRAME_BYTES = 256 * 1024;

/** The part of the header that says how long the frame is. */
export const LENGTH_BYTES = 4;

export const FRAME = {
  /** The first frame in each direction: the sender's limits. */
  hello: 1,
  /** Batches to be done, each with an id. Sent by a proxy, as `open`, `credit` and `cancel` are. */
  calls: 2,
  /** Outcomes of such batches, by id, in any order. Sent by a node, as `goAway`, `chunk` and `end` are. */
  answers: 3,
  /** Asks for a pong: is anybody there? */
  ping: 4,
  pong: 5,
  /** The node will end. It finishes what is in flight and refuses further calls. */
  goAway: 6,
  /** Asks for a stream: the pairs of a scan, or statistics. */
  open: 7,
  /** Some bytes of a stream. */
  chunk: 8,
  /** A stream is complete, or why it is not. */
  end: 9,
  /** The proxy accepts further bytes of a stream. */
  credit: 10,
  /** The proxy wants no more of a stream. */
  cancel: 11,
  /** Messages from one node to another. Sent by the node that opened the link. */
  messages: 12,
} as const;

export type FrameType = (typeof FRAME)[keyof typeof FRAME];

export const UTF8_TEXT = 1;

export function isFrameType(value: number): value is FrameType {
  return value >= FRAME.hello && value <= FRAME.messages;
}

/** The kinds of operation as they are numbered on the link. */
export const KIND_CODES: Readonly<Record<Kind, number>> = { set: 1, fetch: 2, query: 3, delete: 4 };

const KINDS: readonly (Kind | undefined)[] = [undefined, 'set', 'fetch', 'query', 'delete'];

/** @throws LinkProtocolError if there is no operation with this number */
export function kindOf(code: number): Kind {
  const kind = KINDS[code];
  if (kind === undefined) throw new LinkProtocolError(`there is no operation ${code}`);
  return kind;
}

/** @throws LinkProtocolError if flags are set that are not known */
export function allowFlags(flags: number, known: number): void {
  if ((flags & ~known) !== 0) throw new LinkProtocolError('there are flags that are not known');
}
