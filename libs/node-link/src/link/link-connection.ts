import type { Duplex } from 'node:stream';
import { KvsError } from '@kvs/protocol';
import { TransportError } from '@kvs/router/transport';
import { frameBytesOf } from '../batch.js';
import { putCall } from '../codec/calls.js';
import { MAX_BYTES_PER_UNIT, mayExceed } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import {
  FRAME,
  FRAME_HEADER_BYTES,
  FULL_FRAME_BYTES,
  LinkProtocolError,
  type FrameType,
} from '../codec/frame.js';
import { checkCluster, largestFrameBytes } from '../codec/hello.js';
import { CallsInFlight, type Call } from './calls-in-flight.js';
import { FrameSocket } from './frame-socket.js';
import type { IncomingStream } from './incoming-stream.js';
import { IncomingStreams } from './incoming-streams.js';
import type { LinkOptions } from './link-options.js';

/** The events of a connection. */
export interface ConnectionListener {
  /** The node has said its limits: calls may be sent. */
  opened(): void;
  /** Calls are answered. */
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
  /** The calls that were sent and not answered. */
  readonly calls: CallsInFlight;
  readonly #frames: FrameSocket;
  readonly #streams: IncomingStreams;
  #isGoingAway = false;

  readonly #address: string;
  readonly #options: LinkOptions;
  readonly #listener: ConnectionListener;

  constructor(address: string, socket: Duplex, options: LinkOptions, listener: ConnectionListener) {
    this.#address = address;
    this.#options = options;
    this.#listener = listener;

    this.calls = new CallsInFlight(address);
    const maxFrameBytes = Math.max(MAX_FRAME_BYTES, largestFrameBytes(options.pairLimits));
    this.#frames = new FrameSocket(
      socket,
      { ...LIMITS, maxFrameBytes },
      {
        opened: (peer) => {
          const clusterId = options.clusterId();
          if (clusterId !== undefined && peer.identity === undefined)
            return this.close('the node has not joined the cluster');
          if (clusterId !== undefined) checkCluster(peer, clusterId);
          listener.opened();
        },
        received: (type, cursor) => this.#onFrame(type, cursor),
        writable: () => listener.writable(),
        closed: (reason, isBreach) => this.#onClosed(reason, isBreach),
      },
    );
    this.#streams = new IncomingStreams(this.#frames);
    this.#frames.watchNode(options.timers, HEARTBEAT_MS);
  }

  /** Sends calls from the front, as many as there is room for, and returns how many. */
  send(calls: readonly Call[]): number {
    const { peer, builder, isClosed, isBlocked } = this.#frames;
    if (peer === undefined || this.#isGoingAway || isClosed || isBlocked) return 0;
    const frameBytes = Math.min(FULL_FRAME_BYTES, peer.maxFrameBytes / MAX_BYTES_PER_UNIT);
    let sent = 0;
    let inFrame = 0;
    for (const call of calls) {
      if (isLarger(call, peer.maxFrameBytes)) {
        const message = `${this.#address}: no frame is so large`;
        call.failItems({ ok: false, code: 'value_too_large', message });
        sent++;
        continue;
      }
      if (!this.calls.hasRoomFor(call, peer)) break;
      if (inFrame > 0 && builder.size + call.weight > frameBytes) {
        this.#frames.write(builder.finish());
        inFrame = 0;
      }
      if (inFrame === 0) builder.begin(FRAME.calls);
      putCall(builder, this.calls.add(call), call);
      inFrame++;
      sent++;
    }
    if (inFrame > 0) this.#frames.write(builder.finish());
    return sent;
  }

  /** Asks the node for a stream. */
  open(stream: IncomingStream): void {
    const { maxCallsInFlight = 0 } = this.#frames.peer ?? {};
    if (this.#streams.size < maxCallsInFlight) return this.#streams.open(stream);
    const message = `${this.#address}: too many scans are in flight to this node already`;
    const isScan = stream.request.kind === 'scan';
    stream.fail(isScan ? new KvsError('overloaded', message) : new TransportError('unconnected', message));
  }

  /** Fails the calls whose time is up. Late answers to them are ignored. */
  expire(nowMs: number): void {
    const { nodeTimeoutMs } = this.#options;
    this.calls.expire(nowMs, new TransportError('timeout', `no answer within ${nodeTimeoutMs} ms`));
    const { peer } = this.#frames;
    if (peer !== undefined && this.calls.isStuck(peer)) this.close('too many calls were never answered');
    else this.#endIfDone();
  }

  /** Fails everything in flight, and destroys the connection. */
  close(reason: string): void {
    this.#frames.close(reason);
  }

  #onClosed(reason: string, isBreach: boolean): void {
    if (isBreach) this.#options.onBreach(`the link to ${this.#address} was closed: ${reason}`);
    const error = new TransportError('broken', `the link broke (${reason})`);
    this.calls.fail(error);
    this.#streams.fail(error);
    this.#listener.lost(reason);
  }

  #onFrame(type: FrameType, cursor: FrameCursor): void {
    switch (type) {
      case FRAME.answers:
        this.calls.read(cursor);
        this.#listener.answered();
        this.#endIfDone();
        break;
      case FRAME.chunk:
        this.#streams.onChunk(cursor);
        break;
      case FRAME.end:
        this.#streams.onEnd(cursor);
        this.#endIfDone();
        break;
      case FRAME.goAway:
        this.#onGoAway();
        break;
      default:
        throw new LinkProtocolError('a node sends no such frame');
    }
  }

  #onGoAway(): void {
    this.#isGoingAway = true;
    this.#listener.goingAway();
    this.#endIfDone();
  }

  /** Ends the connection to a node that goes away when nothing is in flight. */
  #endIfDone(): void {
    if (this.#isGoingAway && this.calls.isIdle && this.#streams.size === 0)
      this.close('the node is shutting down');
  }
}

function isLarger(call: Call, maxFrameBytes: number): boolean {
  return mayExceed(call.weight + FRAME_HEADER_BYTES, maxFrameBytes) && frameBytesOf(call) > maxFrameBytes;
}

/** The largest frame that the proxy takes, unless pairs may be larger. */
export const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** The limits of calls that the proxy announces. They have no effect, because a node sends no calls. */
const LIMITS = { maxCallsInFlight: 4096, maxBytesInFlight: 128 * 1024 * 1024 };

/** A ping is sent after two beats at the latest, and a node closes a link on which nothing came for 60 s. */
export const HEARTBEAT_MS = 5000;
