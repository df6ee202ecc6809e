import { Buffer } from 'node:buffer';
import { FRAME_HEADER_BYTES, isFrameType, LENGTH_BYTES, UTF8_TEXT, type FrameType } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import { LinkProtocolError } from './link-protocol-error.js';

/** Takes a frame that has come whole. */
export type FrameHandler = (type: FrameType, cursor: FrameCursor) => void;

/** Cuts a stream of bytes into frames. Takes no more memory for a frame than a few times what has come of it. */
export class FrameReader {
  /** Has what came of the next frame, and room for more. */
  #frame: Buffer = NOTHING;
  #held = 0;

  /** @param maxFrameBytes largest frame that is taken, its header included */
  constructor(
    private readonly maxFrameBytes: number,
    private readonly handle: FrameHandler,
  ) {}

  /** How much memory the frame takes that has not come whole, in bytes; 0 between frames. */
  get heldBytes(): number {
    return this.#frame.length;
  }

  /**
   * Hands on each frame that is whole now, in order.
   *
   * @returns whether there was one
   * @throws LinkProtocolError for what is no frame, or is one that is too large; and whatever the handler throws
   */
  push(chunk: Buffer): boolean {
    let bytes = chunk;
    if (this.#held > 0) {
      this.#append(chunk);
      if (this.#held < this.#wanted()) return false;
      bytes = this.#frame.subarray(0, this.#held);
      this.#frame = NOTHING;
      this.#held = 0;
    }
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left < LENGTH_BYTES) break;
      const size = this.#sizeAt(bytes, at);
      if (left < size) break;
      this.#handleFrame(bytes, at, at + size);
      at += size;
    }
    const rest = bytes.length - at;
    // A view of the chunk: of the longer buffer that the frame was put together in, it would keep all.
    if (rest > 0) this.#frame = chunk.subarray(chunk.length - rest);
    this.#held = rest;
    return at > 0;
  }

  /** How many bytes must have come before it is worth looking again. */
  #wanted(): number {
    return this.#held < LENGTH_BYTES ? LENGTH_BYTES : this.#sizeAt(this.#frame, 0);
  }

  #append(more: Buffer): void {
    const held = this.#held + more.length;
    if (held > this.#frame.length) {
      const ahead = Math.min(this.#wanted(), Math.max(2 * held, ROOM_BYTES));
      const grown = Buffer.allocUnsafeSlow(Math.max(held, ahead));
      this.#frame.copy(grown, 0, 0, this.#held);
      this.#frame = grown;
    }
    more.copy(this.#frame, this.#held);
    this.#held = held;
  }

  #sizeAt(bytes: Buffer, at: number): number {
    const size = LENGTH_BYTES + bytes.readUInt32LE(at);
    if (size < FRAME_HEADER_BYTES) throw new LinkProtocolError('a frame is shorter than its header');
    if (size > this.maxFrameBytes) {
      throw new LinkProtocolError(`a frame of ${size} bytes is beyond the limit of ${this.maxFrameBytes}`);
    }
    return size;
  }

  #handleFrame(bytes: Buffer, start: number, end: number): void {
    const type = bytes.readUInt8(start + LENGTH_BYTES);
    const flags = bytes.readUInt8(start + LENGTH_BYTES + 1);
    const numbers = start + FRAME_HEADER_BYTES;
    const text = end - bytes.readUInt32LE(start + LENGTH_BYTES + 2);
    if (!isFrameType(type)) throw new LinkProtocolError(`there is no frame of type ${type}`);
    if (flags > UTF8_TEXT) throw new LinkProtocolError('a frame has flags that are not known');
    if (text < numbers) throw new LinkProtocolError('a frame says that it has more text than it is long');
    this.handle(type, new FrameCursor(bytes, numbers, text, end, flags === UTF8_TEXT));
  }
}

const NOTHING = Buffer.alloc(0);

/** A frame that is not longer gets all of its memory at once: most are. */
const ROOM_BYTES = 256 * 1024;
