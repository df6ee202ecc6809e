import { Buffer } from 'node:buffer';
import { FRAME_HEADER_BYTES, isFrameType, LENGTH_BYTES, UTF8_TEXT, type FrameType } from './frame.js';
import { FrameCursor } from './frame-cursor.js';
import { LinkProtocolError } from './link-protocol-error.js';

/** Takes a frame that has come whole. */
export type FrameHandler = (type: FrameType, cursor: FrameCursor) => void;

/** Cuts a stream of bytes into frames. Holds no more than one frame that has not come whole. */
export class FrameReader {
  private parts: Buffer[] = [];
  private held = 0;

  /** @param maxFrameBytes largest frame that is taken, its header included */
  constructor(
    private readonly maxFrameBytes: number,
    private readonly handle: FrameHandler,
  ) {}

  /**
   * Hands on each frame that is whole now, in order.
   *
   * @throws LinkProtocolError for what is no frame, or is one that is too large; and whatever the handler throws
   */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.held > 0) {
      this.parts.push(chunk);
      this.held += chunk.length;
      if (this.held < this.wanted()) return;
      bytes = this.join();
    }
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      if (left < LENGTH_BYTES) break;
      const size = this.sizeAt(bytes, at);
      if (left < size) break;
      this.handleFrame(bytes, at, at + size);
      at += size;
    }
    if (at < bytes.length) this.hold(bytes.subarray(at));
  }

  /** How many bytes must have come before it is worth looking again. */
  private wanted(): number {
    const [first] = this.parts;
    if (first === undefined || first.length < LENGTH_BYTES) return LENGTH_BYTES;
    return this.sizeAt(first, 0);
  }

  private hold(rest: Buffer): void {
    this.parts.push(rest);
    this.held = rest.length;
  }

  private join(): Buffer {
    const joined = Buffer.concat(this.parts, this.held);
    this.parts = [];
    this.held = 0;
    return joined;
  }

  private sizeAt(bytes: Buffer, at: number): number {
    const size = LENGTH_BYTES + bytes.readUInt32LE(at);
    if (size < FRAME_HEADER_BYTES) throw new LinkProtocolError('a frame is shorter than its header');
    if (size > this.maxFrameBytes) {
      throw new LinkProtocolError(`a frame of ${size} bytes is beyond the limit of ${this.maxFrameBytes}`);
    }
    return size;
  }

  private handleFrame(bytes: Buffer, start: number, end: number): void {
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
