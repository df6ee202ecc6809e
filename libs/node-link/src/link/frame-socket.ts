import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { encodeSignal, FrameBuilder } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { FrameReader } from '../codec/frame-reader.js';
import { FRAME, LinkProtocolError, type FrameType } from '../codec/frame.js';
import { decodeHello, encodeHello, type Hello } from '../codec/hello.js';
import type { CancelTask, Timers } from '../ports.js';

/** The events of one end of a link. */
export interface FrameListener {
  /** The other end has said hello. */
  opened(hello: Hello): void;
  /** Another frame than a hello, a ping or a pong has come. */
  received(type: FrameType, cursor: FrameCursor): void;
  /** All complete frames of a chunk were passed on. Called after each chunk, unless the link was closed by it. */
  readAll?(): void;
  /** The connection takes more again. */
  writable(): void;
  /**
   * The connection is gone. Called once.
   *
   * @param isBreach whether the other end broke a rule; the reason says which one
   */
  closed(reason: string, isBreach: boolean): void;
}

/** One end of a connection that has become a link: reads frames, the hello first, and answers pings. */
export class FrameSocket {
  /** Writes frames for this connection. */
  readonly builder = new FrameBuilder();
  readonly #reader: FrameReader;
  #peer: Hello | undefined;
  /** Whether a ping came since the last pong. One pong answers all pings. */
  #owesPong = false;
  #isClosed = false;
  /** Whether anything has come since the last beat of {@link watchNode}. */
  #wasHeard = true;
  #cancelBeat: CancelTask | undefined;

  readonly #socket: Duplex;
  readonly #listener: FrameListener;

  /** @param hello the hello of this end */
  constructor(socket: Duplex, hello: Hello, listener: FrameListener) {
    this.#socket = socket;
    this.#listener = listener;

    this.#reader = new FrameReader(hello.maxFrameBytes, this.#onFrame);
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('error', (error) => this.close(error.message));
    socket.on('close', () => this.close('it was closed'));
    socket.write(encodeHello(this.builder, hello));
  }

  /** The hello of the other end; undefined until it has come. */
  get peer(): Hello | undefined {
    return this.#peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How much memory the incomplete frame takes, in bytes. */
  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  /** Whether the other end has yet to read what was written. */
  get isBlocked(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** How many bytes were written and have not left this process. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  /**
   * Closes the link when the node ends it. Sends a ping after each interval in which nothing came from the node, and closes the
   * link after three of them.
   */
  watchNode(timers: Timers, intervalMs: number): void {
    this.#socket.on('end', () => this.close('the node ended it'));
    let silentBeats = 0;
    const beat = (): void => {
      silentBeats = this.#wasHeard ? 0 : silentBeats + 1;
      this.#wasHeard = false;
      if (silentBeats === DEAD_AFTER_BEATS)
        return this.close(`nothing came for ${silentBeats * intervalMs} ms`);
      this.#cancelBeat = timers.after(intervalMs, beat);
      if (silentBeats > 0) this.signal(FRAME.ping);
    };
    this.#cancelBeat = timers.after(intervalMs, beat);
  }

  write(frame: Buffer): void {
    if (!this.#isClosed) this.#socket.write(frame);
  }

  /** Sends a frame of one of the types that carry nothing. */
  signal(type: FrameType): void {
    this.write(encodeSignal(this.builder, type));
  }

  /** Ends the connection after everything that was written. */
  end(): void {
    if (!this.#isClosed) this.#socket.end(() => this.#socket.destroy());
  }

  /** Destroys the connection. */
  close(reason: string, isBreach = false): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelBeat?.();
    this.#socket.destroy();
    this.#listener.closed(reason, isBreach);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isClosed) return;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error;
      this.close(error.message, true);
    }
    if (this.#isClosed) return;
    this.#wasHeard = true;
    this.#listener.readAll?.();
    this.#pong();
  };

  readonly #onDrain = (): void => {
    if (this.#isClosed) return;
    this.#pong();
    this.#listener.writable();
  };

  readonly #onFrame = (type: FrameType, cursor: FrameCursor): void => {
    if (this.#isClosed) return;
    if (this.#peer === undefined) {
      if (type !== FRAME.hello) throw new LinkProtocolError('the first frame is not a hello');
      this.#peer = decodeHello(cursor);
      this.#listener.opened(this.#peer);
    } else if (type === FRAME.ping) this.#owesPong = true;
    else if (type !== FRAME.pong) this.#listener.received(type, cursor);
  };

  /** Sends a pong, unless the other end does not read: pongs for endless pings would pile up. */
  #pong(): void {
    if (!this.#owesPong || this.isBlocked) return;
    this.#owesPong = false;
    this.signal(FRAME.pong);
  }
}

const DEAD_AFTER_BEATS = 3;
