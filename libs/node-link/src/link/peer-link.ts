import type { Duplex } from 'node:stream';
import { TransportError } from '@kvs/router/transport';
import { FrameBuilder } from '../codec/frame-builder.js';
import { FRAME, FULL_FRAME_BYTES, LinkProtocolError } from '../codec/frame.js';
import { checkCluster, type Hello, type LinkLimits, type PeerIdentity } from '../codec/hello.js';
import type { PeerCodec } from '../codec/peer-messages.js';
import { endOfTurn, seldom, systemTimers, type CancelTask, type Timers } from '../ports.js';
import { FrameSocket } from './frame-socket.js';
import { LinkAttempt } from './link-attempt.js';

/** The events of a {@link PeerLink}. None is called from within `send`. */
export interface PeerLinkListener {
  /** The peer has said hello: messages can be sent. */
  up(): void;
  /** The link is lost, and with it possibly messages that were sent. Follows each `up`, but not after `close`. */
  down(reason: string): void;
  /** After `send` refused a message because the connection was full: it takes messages again. */
  drained(): void;
}

export interface PeerLinkOptions<M> {
  /** This node. */
  readonly own: PeerIdentity;
  /** The boot id that the peer must have. It must be of the same cluster. */
  readonly bootId: string;
  readonly codec: PeerCodec<M>;
  /** Called with the reason when a peer broke a rule or is not the expected one, at most once a minute. */
  readonly onBreach: (message: string) => void;
  readonly timers?: Timers;
}

/** `urgent` messages are sent even if the peer has not read what was sent before. They must be small. */
export type Urgency = 'normal' | 'urgent';

type State =
  /** The next attempt begins after a pause. */
  | { readonly name: 'waiting'; readonly cancel: CancelTask }
  | { readonly name: 'dialing'; readonly attempt: LinkAttempt }
  | { readonly name: 'up'; readonly frames: FrameSocket; readonly sinceMs: number }
  | { readonly name: 'closed' };

/**
 * The link over which a node sends messages to another. The messages of one turn of the event loop go in one frame. The link
 * is opened again until it is closed: after a pause that doubles up to a second, or soon if there is something to send.
 * Messages arrive in order, without gaps as long as the link is up.
 */
export class PeerLink<M> {
  readonly #builder = new FrameBuilder();
  #state: State = { name: 'closed' };
  /** Whether the frame has messages that are not sent. */
  #hasMessages = false;
  /** Whether a message was refused since the connection last took more. */
  #hasRefused = false;
  #pauseMs = MIN_PAUSE_MS;
  #lastAttemptMs = -Infinity;

  readonly #address: string;
  readonly #options: PeerLinkOptions<M>;
  readonly #listener: PeerLinkListener;
  readonly #timers: Timers;
  readonly #onBreach: (message: string) => void;

  /** Begins to open the link. */
  constructor(address: string, options: PeerLinkOptions<M>, listener: PeerLinkListener) {
    this.#address = address;
    this.#options = options;
    this.#listener = listener;
    this.#timers = options.timers ?? systemTimers;
    this.#onBreach = seldom(this.#timers, options.onBreach);
    this.#dial();
  }

  get isUp(): boolean {
    return this.#state.name === 'up';
  }

  /**
   * Sends a message at the end of this turn.
   *
   * @returns whether it will be sent. If not, the link is down, or the peer has not read enough of what was sent before
   */
  send(message: M, urgency: Urgency = 'normal'): boolean {
    if (this.#state.name === 'waiting') this.#dialSoon(this.#state);
    if (this.#state.name !== 'up') return false;
    const { frames } = this.#state;
    if (urgency === 'normal' && frames.unsentBytes > MAX_UNSENT_BYTES) {
      this.#hasRefused = true;
      return false;
    }
    if (!this.#hasMessages) {
      this.#hasMessages = true;
      this.#builder.begin(FRAME.messages);
      endOfTurn(this.#flush);
    }
    this.#options.codec.put(this.#builder, message);
    if (this.#builder.size >= FULL_FRAME_BYTES) this.#flush();
    return true;
  }

  /** Ends the link for good, after the messages that were given before. */
  close(): void {
    this.#flush();
    const state = this.#state;
    this.#state = { name: 'closed' };
    if (state.name === 'waiting') state.cancel();
    if (state.name === 'dialing') state.attempt.giveUp();
    if (state.name === 'up') state.frames.end();
  }

  #dial(): void {
    this.#lastAttemptMs = this.#timers.nowMs();
    const attempt: LinkAttempt = new LinkAttempt(this.#address, this.#timers, CONNECT_TIMEOUT_MS, {
      begin: (socket) => this.#begin(socket, attempt),
      failed: ({ message }, isRefusal) => {
        if (isRefusal) this.#onBreach(`there is no link to ${this.#address}: ${message}`);
        this.#wait();
      },
    });
    this.#state = { name: 'dialing', attempt };
  }

  #begin(socket: Duplex, attempt: LinkAttempt): FrameSocket {
    const hello = { ...OWN_LIMITS, identity: this.#options.own };
    const frames: FrameSocket = new FrameSocket(socket, hello, {
      opened: (peer) => {
        this.#check(peer);
        if (attempt.succeed()) this.#opened(frames);
      },
      received: (type) => {
        // A node that goes away ends the link itself: until then it needs acknowledgements of the writes in flight.
        if (type !== FRAME.goAway) throw new LinkProtocolError('a node sends no such frame to a node');
      },
      writable: () => this.#onWritable(frames),
      closed: (reason, isBreach) => {
        if (isBreach) this.#onBreach(`the link to ${this.#address} was closed: ${reason}`);
        attempt.fail(new TransportError('unconnected', reason));
        this.#lost(frames, reason);
      },
    });
    frames.watchNode(this.#timers, HEARTBEAT_MS);
    return frames;
  }

  #opened(frames: FrameSocket): void {
    this.#state = { name: 'up', frames, sinceMs: this.#timers.nowMs() };
    this.#listener.up();
  }

  /** @throws LinkProtocolError if the peer is not the expected one */
  #check(peer: Hello): void {
    const { own, bootId } = this.#options;
    checkCluster(peer, own.clusterId);
    if (peer.identity?.bootId !== bootId)
      throw new LinkProtocolError(`its boot id is ${JSON.stringify(peer.identity?.bootId)}, not ${bootId}`);
  }

  #onWritable(frames: FrameSocket): void {
    if (!this.#hasRefused || this.#state.name !== 'up' || this.#state.frames !== frames) return;
    this.#hasRefused = false;
    this.#listener.drained();
  }

  #lost(frames: FrameSocket, reason: string): void {
    if (this.#state.name !== 'up' || this.#state.frames !== frames) return;
    // A peer that accepts links and closes them at once is not asked again and again without a pause.
    if (this.#timers.nowMs() - this.#state.sinceMs > MAX_PAUSE_MS) this.#pauseMs = MIN_PAUSE_MS;
    this.#hasMessages = false;
    this.#hasRefused = false;
    this.#wait();
    this.#listener.down(reason);
  }

  #wait(): void {
    const cancel = this.#timers.after(this.#pauseMs, () => this.#dial());
    this.#state = { name: 'waiting', cancel };
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  #dialSoon(state: State & { readonly name: 'waiting' }): void {
    if (this.#timers.nowMs() - this.#lastAttemptMs < MIN_PAUSE_MS) return;
    state.cancel();
    this.#dial();
  }

  readonly #flush = (): void => {
    if (this.#state.name !== 'up' || !this.#hasMessages) return;
    const { frames } = this.#state;
    const frame = this.#builder.finish();
    this.#hasMessages = false;
    const { maxFrameBytes = 0 } = frames.peer ?? {};
    if (frame.length > maxFrameBytes)
      return closeLater(frames, `it does not take a frame of ${frame.length} bytes`);
    // A frame counts as unsent until its last byte is sent. One with effects and one with a pair of a fill may be the largest.
    if (frames.unsentBytes > 2 * maxFrameBytes + MAX_URGENT_BYTES)
      return closeLater(frames, 'it has not read for too long');
    frames.write(frame);
  };
}

/** The caller of `send` hears of it only afterwards. */
function closeLater(frames: FrameSocket, reason: string): void {
  queueMicrotask(() => frames.close(reason, true));
}

const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1000;
/** How long the peer may take to accept a link and to say hello. */
const CONNECT_TIMEOUT_MS = 2000;
/** After so long without a word a ping is sent, and after three times as long the link is dead. */
const HEARTBEAT_MS = 1000;

/** Messages that are not urgent are refused while more bytes are unsent. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** The link is closed if there is a further message while more bytes are unsent, besides two of the largest frames. */
const MAX_URGENT_BYTES = 16 * 1024 * 1024;

/** A node sends no calls to this end. */
const OWN_LIMITS: LinkLimits = { maxFrameBytes: 1024 * 1024, maxCallsInFlight: 1, maxBytesInFlight: 1 };
