import { Buffer } from 'node:buffer';
import type { OnReadOpts, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { ReadBuffers } from './read-buffers.js';

/**
 * A socket that reads into buffers which are used again. `read()` gives one piece after the other, as they came: a stream
 * of bytes would join those that wait in a new buffer. A piece is held until it was read and another has come; who wants
 * any of it for longer holds it meanwhile.
 */
export class RecyclingSocket extends Duplex {
  /** Where the bytes come from: no others may read from it, unless this is not {@link isUsable}. */
  readonly socket: Socket;
  readonly #buffers: ReadBuffers;
  /** The rest of the buffer that is read into. */
  #room: Uint8Array | undefined;
  /** The pieces that wait, and before them those that may have been read since the last came. */
  readonly #pieces: Uint8Array[] = [];
  #hasBegun = false;
  #isClosed = false;

  /** @param open begins to connect; what it makes need not heed the option */
  constructor(buffers: ReadBuffers, open: (onread: OnReadOpts) => Socket) {
    super({ readableObjectMode: true, readableHighWaterMark: 1, allowHalfOpen: false });
    this.#buffers = buffers;
    this.socket = open({
      buffer: () => this.#nextRoom(),
      callback: (length, buffer) => this.#add(Buffer.from(buffer.buffer, buffer.byteOffset, length)),
    });
    this.socket.once('close', () => this.#close());
  }

  /** Whether the socket, which is connected by now, reads into the buffers. */
  get isUsable(): boolean {
    return this.#room !== undefined;
  }

  /** From now on, this stands for the socket. */
  begin(): this {
    this.#hasBegun = true;
    this.socket.on('end', () => this.push(null)).on('error', (error) => this.destroy(error));
    return this;
  }

  ref(): this {
    this.socket.ref();
    return this;
  }

  unref(): this {
    this.socket.unref();
    return this;
  }

  override _read(): void {
    this.socket.resume();
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.write(bytes, done);
  }

  override _final(done: () => void): void {
    if (this.socket.writable) this.socket.end(done);
    else done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const closed = (): void => {
      this.#releaseAll();
      done(error);
    };
    if (this.#isClosed) closed();
    else this.socket.once('close', closed).destroy();
  }

  #nextRoom(): Uint8Array {
    if (this.#room !== undefined && this.#room.length >= MIN_READ_BYTES) return this.#room;
    if (this.#room !== undefined) this.#buffers.release(this.#room);
    return (this.#room = this.#buffers.take());
  }

  /** Returns whether to go on reading. */
  #add(piece: Buffer): boolean {
    this.#room = this.#room?.subarray(piece.length);
    // No reader is at work in this moment: what is not waiting was read to its end.
    while (this.#pieces.length > this.readableLength) this.#releaseFirst();
    this.#buffers.hold(piece);
    this.#pieces.push(piece);
    return this.push(piece);
  }

  #close(): void {
    this.#isClosed = true;
    if (!this.#hasBegun) this.#releaseAll();
    // After the end, what waits is still to be read; then this ends as well.
    else if (!this.socket.readableEnded) this.destroy();
  }

  #releaseAll(): void {
    while (this.#pieces.length > 0) this.#releaseFirst();
    if (this.#room !== undefined) this.#buffers.release(this.#room);
    this.#room = undefined;
  }

  #releaseFirst(): void {
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.#buffers.release(piece);
  }
}

/** Less is not worth a read. Until its room is less, a buffer takes many small pieces, so that few hold much memory. */
const MIN_READ_BYTES = 64 * 1024;
