import type { TransportError } from '@kvs/router/transport';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { LinkProtocolError } from '../codec/frame.js';
import { decodeChunk, decodeEnd, encodeCancel, encodeCredit, encodeOpen } from '../codec/streams.js';
import type { FrameSocket } from './frame-socket.js';
import { STREAM_WINDOW_BYTES, type IncomingStream } from './incoming-stream.js';

/** The streams that come over one connection, by id. */
export class IncomingStreams {
  /** Closed streams too, until the node has ended them. */
  readonly #streams = new Map<number, IncomingStream>();
  #lastId = 0;

  readonly #frames: FrameSocket;

  constructor(frames: FrameSocket) {
    this.#frames = frames;
  }

  /** How many streams the node has not ended. */
  get size(): number {
    return this.#streams.size;
  }

  /** Asks the node for a stream. */
  open(stream: IncomingStream): void {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#streams.has(this.#lastId));
    const id = this.#lastId;
    this.#streams.set(id, stream);
    const frames = this.#frames;
    const { builder } = frames;
    frames.write(encodeOpen(builder, { id, credit: STREAM_WINDOW_BYTES, request: stream.request }));
    stream.sent({
      grant: (bytes) => frames.write(encodeCredit(builder, id, bytes)),
      cancel: () => frames.write(encodeCancel(builder, id)),
    });
  }

  /** @throws LinkProtocolError */
  onChunk(cursor: FrameCursor): void {
    const { id, bytes } = decodeChunk(cursor);
    this.#find(id).receive(bytes);
  }

  /** @throws LinkProtocolError */
  onEnd(cursor: FrameCursor): void {
    const { id, failure } = decodeEnd(cursor);
    const stream = this.#find(id);
    this.#streams.delete(id);
    stream.end(failure);
  }

  /** Fails all streams, because the connection is lost. */
  fail(error: TransportError): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.fail(error);
  }

  #find(id: number): IncomingStream {
    const stream = this.#streams.get(id);
    if (stream === undefined) throw new LinkProtocolError(`the stream ${id} is not open`);
    return stream;
  }
}
