import { Buffer } from 'node:buffer';
import { FrameCursor } from './frame-cursor.js';
import {
  FRAME_HEADER_BYTES,
  isFrameType,
  LENGTH_BYTES,
  UTF8_TEXT,
  type FrameType,
  LinkProtocolError,
} from './frame.js';

/** Takes a complete frame. */
export type FrameHandler = (type: FrameType, cursor: FrameCursor) => void;

/** Cuts a stream of bytes into frames. Memory is at most a few times the received bytes of a frame. */
export class FrameReader {
  /** The received bytes of the next frame, and room for more. */
  #frame: Buffer = NOTHING;
  #held = 0;

  readonly #maxFrameBytes: number;
  readonly #handle: FrameHandler;

  /** @param maxFrameBytes the largest frame that the reader takes, including its header */
  constructor(maxFrameBytes: number, handle: FrameHandler) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#handle = handle;
  }

  /** How much memory the incomplete frame takes, in bytes; 0 between frames. */
  get heldBytes(): number {
    return this.#frame.length;
  }

  /**
   * Passes each complete frame to the handler, in order.
   *
   * @throws LinkProtocolError for an invalid or too large frame; and the errors of the handler
   */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#held > 0) {
      this.#append(chunk);
      if (this.#held < this.#wanted()) return;
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
    if (rest > 0) this.#frame = endOf(chunk, rest);
    this.#held = rest;
  }

  /** How many bytes of the frame must have come before the reader can go on. */
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
    if (size > this.#maxFrameBytes) {
      throw new LinkProtocolError(`a frame of ${size} bytes is beyond the limit of ${this.#maxFrameBytes}`);
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
    this.#handle(type, new FrameCursor(bytes, numbers, text, end, flags === UTF8_TEXT));
  }
}

/**
 * Returns the last bytes of a chunk. A view keeps all memory of the chunk alive, so the function copies an end that is
 * much shorter.
 */
function endOf(chunk: Buffer, length: number): Buffer {
  const end = chunk.subarray(chunk.length - length);
  if (2 * length >= chunk.buffer.byteLength) return end;
  const copy = Buffer.allocUnsafeSlow(length);
  end.copy(copy);
  return copy;
}

const NOTHING = Buffer.alloc(0);

/** A frame up to this size gets all of its memory at once. Most frames are shorter. */
const ROOM_BYTES = 256 * 1024;
