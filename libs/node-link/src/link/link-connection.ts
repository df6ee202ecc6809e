import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { TransportError } from '@kvs/router';
import { frameBytesOf } from '../batch.js';
import { putCall } from '../codec/calls.js';
import { FrameBuilder, MAX_BYTES_PER_UNIT, mayExceed } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { FrameReader } from '../codec/frame-reader.js';
import { FRAME, FRAME_HEADER_BYTES, type FrameType, LinkProtocolError } from '../codec/frame.js';
import { decodeHello, encodeHello, encodeSignal, type LinkLimits } from '../codec/hello.js';
import type { Call, SentBatch } from '../pending-call.js';
import { CallsInFlight } from './calls-in-flight.js';
import { Heartbeat } from './heartbeat.js';
import type { IncomingStream } from './incoming-stream.js';
import { IncomingStreams } from './incoming-streams.js';
import type { LinkOptions } from './link-options.js';

/** The events of a connection. */
export interface ConnectionListener {
  /** The node has said its limits: calls may be sent. */
  opened(): void;
  /** All calls of a batch are answered. */
  answered(): void;
  /** The connection takes more again. */
  writable(): void;
  /** The node will end and wants no more calls. It still answers the calls in flight. */
  goingAway(): void;
  /** The connection is gone. All calls in flight have failed. */
  lost(reason: string): void;
}

/** One connection that has become a link, at the proxy, from its hello to its end. */
export class LinkConnection {
  readonly #builder = new FrameBuilder();
  readonly #reader: FrameReader;
  readonly #calls: CallsInFlight;
  readonly #streams: IncomingStreams;
  readonly #heartbeat: Heartbeat;
  /** Whether calls wait because the node has as many as it takes. */
  #isNodeFull = false;
  #peer: LinkLimits | undefined;
  /** Whether a ping came since the last pong. One pong answers all pings. */
  #owesPong = false;
  #isGoingAway = false;
  #gone = false;

  readonly #address: string;
  readonly #socket: Duplex;
  readonly #options: LinkOptions;
  readonly #listener: ConnectionListener;

  constructor(address: string, socket: Duplex, options: LinkOptions, listener: ConnectionListener) {
    this.#address = address;
    this.#socket = socket;
    this.#options = options;
    this.#listener = listener;

    this.#reader = new FrameReader(options.limits.maxFrameBytes, this.#onFrame);
    this.#calls = new CallsInFlight(address);
    this.#streams = new IncomingStreams(this.#builder, (frame) => this.#write(frame));
    this.#heartbeat = new Heartbeat(options.timers, options.heartbeatMs, {
      silent: () => this.#write(encodeSignal(this.#builder, FRAME.ping)),
      dead: (silentMs) => this.end(`nothing came for ${silentMs} ms`),
    });
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('error', (error) => this.end(error.message));
    socket.on('close', () => this.end('it was closed'));
    socket.on('end', () => this.end('the node ended it'));
    socket.write(encodeHello(this.#builder, options.limits));
  }

  /** Takes what came together with the answer that made this a link. */
  begin(head: Buffer): void {
    if (head.length > 0) this.#onData(head);
  }

  /** How many calls are unanswered, also those that nobody waits for. */
  get size(): number {
    return this.#calls.size;
  }

  /** How many bytes of calls are unanswered. */
  get bytes(): number {
    return this.#calls.bytes;
  }

  /** The oldest call that somebody waits for. */
  get oldest(): Call | undefined {
    return this.#calls.oldest;
  }

  /** Sends calls from the front, as many as there is room for, and returns how many. */
  send(calls: readonly Call[]): number {
    const peer = this.#peer;
    if (peer === undefined || this.#isGoingAway || this.#gone || this.#socket.writableNeedDrain) return 0;
    const frameBytes = Math.min(this.#options.frameBytes, peer.maxFrameBytes / MAX_BYTES_PER_UNIT);
    const batch: SentBatch = { unanswered: 0 };
    let sent = 0;
    let inFrame = 0;
    for (const call of calls) {
      if (isLarger(call, peer.maxFrameBytes)) {
        const message = `${this.#address}: no frame is so large`;
        call.failAll({ ok: false, code: 'value_too_large', message });
        sent++;
        continue;
      }
      this.#isNodeFull = !this.#calls.hasRoomFor(call, peer);
      if (this.#isNodeFull) break;
      if (inFrame > 0 && this.#builder.size + call.weight > frameBytes) {
        this.#socket.write(this.#builder.finish());
        inFrame = 0;
      }
      if (inFrame === 0) this.#builder.begin(FRAME.calls);
      putCall(this.#builder, this.#calls.add(call, batch), call);
      inFrame++;
      sent++;
    }
    if (inFrame > 0) this.#socket.write(this.#builder.finish());
    // If every call failed here, the batch is answered as soon as its owner counts it.
    if (sent > 0 && batch.unanswered === 0) queueMicrotask(() => this.#listener.answered());
    return sent;
  }

  /** Asks the node for a stream. */
  open(stream: IncomingStream): void {
    const { maxCallsInFlight = 0 } = this.#peer ?? {};
    if (this.#streams.size < maxCallsInFlight) this.#streams.open(stream);
    else stream.fail(new TransportError('unconnected', 'too much is in flight to this node already'));
  }

  /** Fails the calls whose time is up. Late answers to them are ignored. */
  expire(nowMs: number): void {
    const { nodeTimeoutMs, limits } = this.#options;
    this.#calls.expire(nowMs, new TransportError('timeout', `no answer within ${nodeTimeoutMs} ms`));
    this.#reportAnswered();
    if (this.#calls.isStuck(this.#peer ?? limits)) this.end('too many calls were never answered');
    else this.#endIfDone();
  }

  /** Fails everything in flight, and destroys the connection. */
  end(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#heartbeat.stop();
    this.#socket.destroy();
    const error = new TransportError('broken', `the link broke (${reason})`);
    this.#calls.fail(error);
    this.#streams.fail(error);
    this.#listener.lost(reason);
  }

  #write(frame: Buffer): void {
    if (!this.#gone) this.#socket.write(frame);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#gone) return;
    this.#heartbeat.note();
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error;
      this.#options.onBreach(`the link to ${this.#address} was closed: ${error.message}`);
      this.end(error.message);
    }
    if (this.#owesPong) this.#pong();
  };

  readonly #onDrain = (): void => {
    if (this.#owesPong) this.#pong();
    this.#listener.writable();
  };

  /** Sends a pong, unless the node does not read: pongs for endless pings would pile up. */
  #pong(): void {
    if (this.#socket.writableNeedDrain) return;
    this.#owesPong = false;
    this.#write(encodeSignal(this.#builder, FRAME.pong));
  }

  readonly #onFrame = (type: FrameType, cursor: FrameCursor): void => {
    if (this.#gone) return;
    if (this.#peer === undefined) {
      if (type !== FRAME.hello) throw new LinkProtocolError('the first frame is not a hello');
      this.#peer = decodeHello(cursor);
      this.#listener.opened();
      return;
    }
    switch (type) {
      case FRAME.answers:
        this.#onAnswers(cursor);
        break;
      case FRAME.chunk:
        this.#streams.onChunk(cursor);
        break;
      case FRAME.end:
        this.#streams.onEnd(cursor);
        this.#endIfDone();
        break;
      case FRAME.ping:
        this.#owesPong = true;
        break;
      case FRAME.pong:
        break;
      case FRAME.goAway:
        this.#onGoAway();
        break;
      default:
        throw new LinkProtocolError('a node sends no such frame');
    }
  };

  #onAnswers(cursor: FrameCursor): void {
    this.#calls.read(cursor);
    if (!this.#reportAnswered() && this.#isNodeFull) this.#listener.writable();
    this.#endIfDone();
  }

  /** @returns whether a batch was answered */
  #reportAnswered(): boolean {
    const batches = this.#calls.drainAnsweredBatches();
    for (let i = 0; i < batches; i++) this.#listener.answered();
    return batches > 0;
  }

  #onGoAway(): void {
    if (this.#isGoingAway) return;
    this.#isGoingAway = true;
    this.#listener.goingAway();
    this.#endIfDone();
  }

  /** Ends the connection to a node that goes away when nothing is in flight. */
  #endIfDone(): void {
    if (this.#isGoingAway && this.#calls.oldest === undefined && this.#streams.size === 0)
      this.end('the node is shutting down');
  }
}

function isLarger(call: Call, maxFrameBytes: number): boolean {
  return mayExceed(call.weight + FRAME_HEADER_BYTES, maxFrameBytes) && frameBytesOf(call) > maxFrameBytes;
}
