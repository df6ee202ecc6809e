import type { Duplex } from 'node:stream';
import type { PairLines } from '@kvs/protocol';
import type { FrameBuilder } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { LinkProtocolError } from '../codec/frame.js';
import { refusalOf, type Refusal } from '../codec/refusal.js';
import {
  decodeCancel,
  decodeCredit,
  encodeChunkHead,
  encodeEnd,
  SENT_CHUNK_BYTES,
  type OpenFrame,
  type StreamRequest,
} from '../codec/streams.js';
import type { Timers } from '../ports.js';
import type { NodeOperations } from './node-operations.js';

/** A stream that a node sends. */
interface OutgoingStream {
  readonly id: number;
  /** How many bytes the proxy still accepts. The last chunk may exceed it. */
  credit: number;
  /** When the last chunk was sent, or the stream was opened. */
  sentMs: number;
  isCancelled: boolean;
  /** Resumes the stream if it waits. */
  wake: () => void;
}

/**
 * The streams that a node sends over one link. A chunk is sent only while its stream has credit and the socket takes more,
 * so a slow reader stops only its own stream, and an answer to a call waits behind one chunk at most. Streams take turns. While
 * a stream has nothing to send, empty chunks show that it goes on.
 */
export class OutgoingStreams {
  /** The stream that sent a chunk last is the last. */
  readonly #streams = new Map<number, OutgoingStream>();

  readonly #socket: Duplex;
  readonly #builder: FrameBuilder;
  readonly #operations: NodeOperations;
  readonly #timers: Pick<Timers, 'nowMs'>;
  readonly #onError: (error: unknown) => void;

  /** @param onError called with an error that is no `KvsError` */
  constructor(
    socket: Duplex,
    builder: FrameBuilder,
    operations: NodeOperations,
    timers: Pick<Timers, 'nowMs'>,
    onError: (error: unknown) => void,
  ) {
    this.#socket = socket;
    this.#builder = builder;
    this.#operations = operations;
    this.#timers = timers;
    this.#onError = onError;
  }

  /** @throws LinkProtocolError if the proxy may not open a stream of this id now */
  check(id: number, maxStreams: number): void {
    if (this.#streams.has(id)) throw new LinkProtocolError(`the stream ${id} is open already`);
    if (this.#streams.size >= maxStreams)
      throw new LinkProtocolError('more streams are open than the node takes');
  }

  /** Sends a stream that passes `check`. Resolves at its end, whether it is complete, cancelled or failed. */
  open({ id, credit, request }: OpenFrame): Promise<void> {
    const stream = {
      id,
      credit,
      sentMs: this.#timers.nowMs(),
      isCancelled: false,
      wake: () => undefined,
    };
    this.#streams.set(id, stream);
    return this.#send(stream, request);
  }

  /** Ends a stream that was never begun. */
  refuse(id: number, refusal: Refusal): void {
    this.#socket.write(encodeEnd(this.#builder, id, refusal));
  }

  /**
   * The proxy accepts further bytes. If the stream has ended, this has no effect.
   *
   * @throws LinkProtocolError
   */
  onCredit(cursor: FrameCursor): void {
    const { id, bytes } = decodeCredit(cursor);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.credit += bytes;
    stream.wake();
  }

  /**
   * The proxy wants no more of a stream.
   *
   * @throws LinkProtocolError
   */
  onCancel(cursor: FrameCursor): void {
    this.#cancel(decodeCancel(cursor));
  }

  /** The socket takes more. */
  resume(): void {
    for (const stream of [...this.#streams.values()]) stream.wake();
  }

  /** Ends all streams, because the link is closed. */
  close(): void {
    for (const id of [...this.#streams.keys()]) this.#cancel(id);
  }

  #cancel(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.isCancelled = true;
    stream.wake();
  }

  async #send(stream: OutgoingStream, request: StreamRequest): Promise<void> {
    let failure: Refusal | undefined;
    try {
      for await (const chunk of this.#read(request)) {
        if (!(await this.#sendChunk(stream, chunk))) break;
      }
    } catch (error) {
      failure = refusalOf(error, this.#onError);
    }
    this.#streams.delete(stream.id);
    if (!this.#socket.destroyed) this.#socket.write(encodeEnd(this.#builder, stream.id, failure));
  }

  #read(request: StreamRequest): PairLines {
    return request.kind === 'scan'
      ? this.#operations.scanLines(request.scan, request.epoch)
      : this.#statistics();
  }

  async *#statistics(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(JSON.stringify(await this.#operations.stats()));
  }

  /** @returns whether the proxy wants more */
  async #sendChunk(stream: OutgoingStream, chunk: Uint8Array): Promise<boolean> {
    if (chunk.length === 0 && this.#timers.nowMs() - stream.sentMs < EMPTY_CHUNKS_EVERY_MS)
      return !stream.isCancelled;
    let from = 0;
    do {
      const bytes = chunk.subarray(from, from + SENT_CHUNK_BYTES);
      while (!stream.isCancelled && !this.#maySend(stream, bytes))
        await new Promise<void>((resolve) => (stream.wake = resolve));
      if (stream.isCancelled) return false;
      stream.credit -= bytes.length;
      stream.sentMs = this.#timers.nowMs();
      this.#socket.cork();
      this.#socket.write(encodeChunkHead(this.#builder, stream.id, bytes.length));
      this.#socket.write(bytes);
      this.#socket.uncork();
      this.#streams.delete(stream.id);
      this.#streams.set(stream.id, stream);
      from += SENT_CHUNK_BYTES;
    } while (from < chunk.length);
    return true;
  }

  #maySend({ credit }: OutgoingStream, { length }: Uint8Array): boolean {
    return (credit > 0 || length === 0) && !this.#socket.writableNeedDrain;
  }
}

/** A small part of any time that a proxy may reasonably give a node. */
const EMPTY_CHUNKS_EVERY_MS = 10;
