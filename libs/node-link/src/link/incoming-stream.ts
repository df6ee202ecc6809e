import { KvsError } from '@kvs/protocol';
import { ScanStoppedError, TransportError } from '@kvs/router/transport';
import { LinkProtocolError } from '../codec/frame.js';
import type { Refusal } from '../codec/refusal.js';
import type { StreamRequest } from '../codec/streams.js';
import type { CancelTask, Timers } from '../ports.js';

/** Tells the node about a stream that it sends. */
export interface StreamControl {
  /** Accepts further bytes. */
  grant(bytes: number): void;
  /** Wants no more. */
  cancel(): void;
}

/**
 * A stream as the proxy reads it. It holds at most {@link STREAM_WINDOW_BYTES} and one chunk more, because the node sends no
 * further bytes until the reader has taken those. The node has `timeoutMs` to begin, and to send more whenever the reader
 * waits; a slow reader costs it nothing. A node that has nothing to send yet sends empty chunks, which give it more time.
 */
export class IncomingStream {
  readonly #chunks: Uint8Array[] = [];
  /** How many bytes the node may still send. */
  #credit = STREAM_WINDOW_BYTES;
  /** How many bytes the reader has taken since the last grant. */
  #taken = 0;
  #control: StreamControl | undefined;
  #hasBegun = false;
  /** Whether the node will send no more. */
  #isComplete = false;
  #failure: Error | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;
  #cancelTimeout: CancelTask;

  readonly #timers: Timers;
  readonly #timeoutMs: number;

  constructor(
    readonly request: StreamRequest,
    timers: Timers,
    timeoutMs: number,
  ) {
    this.#timers = timers;
    this.#timeoutMs = timeoutMs;
    this.#cancelTimeout = timers.after(timeoutMs, () => this.#expire());
  }

  /** Whether the reader has closed the stream, or has stopped waiting for it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The request was sent. */
  sent(control: StreamControl): void {
    this.#control = control;
  }

  /** @throws LinkProtocolError if the node sends more than it may */
  receive(bytes: Uint8Array): void {
    if (bytes.length > 0 && this.#credit <= 0)
      throw new LinkProtocolError('a stream has more bytes than were granted');
    this.#credit -= bytes.length;
    if (this.#isClosed) return;
    if (bytes.length > 0) this.#chunks.push(bytes);
    this.#progress();
  }

  /** The node sends no more. */
  end(failure: Refusal | undefined): void {
    this.#control = undefined;
    if (failure === undefined) {
      this.#isComplete = true;
      this.#progress();
      return;
    }
    const reason = `${failure.code}: ${failure.message}`;
    if (failure.partition !== undefined) return this.fail(new ScanStoppedError(failure.partition, reason));
    // The node is well, so the proxy must not take it for one that is away.
    const isBusy = !this.#hasBegun && this.request.kind === 'scan' && failure.code === 'overloaded';
    if (isBusy) return this.fail(new KvsError('overloaded', failure.message));
    this.fail(new TransportError(this.#hasBegun ? 'broken' : 'refused', reason));
  }

  /** The stream can't be completed. The reader still gets the chunks that have come. */
  fail(error: TransportError | KvsError): void {
    this.#control = undefined;
    this.#failure ??= error;
    this.#progress();
  }

  /**
   * Resolves when the first chunk, which may be empty, or the end has come.
   *
   * @throws TransportError if the stream fails before, or KvsError `overloaded` if too many scans are in flight to the node
   */
  async begun(): Promise<void> {
    while (!this.#hasBegun) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure !== undefined && this.#chunks.length === 0) throw this.#failure;
  }

  /**
   * Yields the chunks as they came, but no empty ones. Ends only if the stream is complete. May be called once.
   *
   * @throws TransportError from the iteration if the stream fails
   */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          yield chunk;
          this.#grant(chunk.length);
        } else if (this.#failure !== undefined) throw this.#failure;
        else if (this.#isComplete) return;
        else await this.#nextArrival();
      }
    } finally {
      this.close();
    }
  }

  /** Stops the stream. The node is told if it still sends. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#chunks.length = 0;
    this.#failure ??= new TransportError('broken', 'the stream was closed');
    this.#control?.cancel();
    this.#progress();
  }

  #grant(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < STREAM_WINDOW_BYTES / 2) return;
    this.#credit += this.#taken;
    this.#control?.grant(this.#taken);
    this.#taken = 0;
  }

  async #nextArrival(): Promise<void> {
    this.#cancelTimeout = this.#timers.after(this.#timeoutMs, () => this.#expire());
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #progress(): void {
    this.#hasBegun = true;
    this.#cancelTimeout();
    this.#wake?.();
  }

  #expire(): void {
    const control = this.#control;
    this.fail(this.#timeout());
    this.#isClosed = true;
    control?.cancel();
  }

  #timeout(): TransportError {
    if (this.#hasBegun) return new TransportError('broken', `nothing came for ${this.#timeoutMs} ms`);
    return this.#control === undefined
      ? new TransportError('unconnected', `no connection within ${this.#timeoutMs} ms`)
      : new TransportError('timeout', `no answer within ${this.#timeoutMs} ms`);
  }
}

/**
 * Two chunks: the node sends one while the reader takes the other. Granted chunks stand before the next answer on the connection,
 * so a larger window makes other calls wait longer.
 */
export const STREAM_WINDOW_BYTES = 128 * 1024;
