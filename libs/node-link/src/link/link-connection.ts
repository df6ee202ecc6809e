import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { TransportError } from '@kvs/router';
import { frameBytesOf, isWrite } from '../batch.js';
import { AnswerReader } from '../codec/decode-answers.js';
import { putCall } from '../codec/calls.js';
import { FrameBuilder } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { FrameReader } from '../codec/frame-reader.js';
import { FRAME, FRAME_HEADER_BYTES, type FrameType } from '../codec/frame.js';
import { decodeHello, encodeHello, encodeSignal, type LinkLimits } from '../codec/hello.js';
import { LinkProtocolError } from '../codec/link-protocol-error.js';
import { MAX_BYTES_PER_UNIT, mayExceed } from '../codec/text-bytes.js';
import type { Call } from '../pending-call.js';
import type { CancelTask } from '../ports.js';
import { refusalFailure, withDoubt } from '../refusals.js';
import type { LinkOptions } from './link-options.js';
import { PendingCalls } from './pending-calls.js';

/** What the owner of a connection hears of it. */
export interface ConnectionListener {
  /** The node has said its limits: calls may be sent. */
  opened(): void;
  /** It has answered something, or lived for a heartbeat, for the first time: it is good for more than a hello. */
  proven(): void;
  /** All calls of a company are answered. */
  answered(): void;
  /** The connection takes more again. */
  writable(): void;
  /** The node will end and wants no more calls. It still answers the calls in flight. */
  leaving(): void;
  /** The connection is gone. All calls in flight have failed. */
  lost(reason: string): void;
}

/** One connection that has become a link, from its hello to its end. */
export class LinkConnection {
  readonly #builder = new FrameBuilder();
  readonly #reader: FrameReader;
  readonly #pending = new PendingCalls();
  readonly #answers: AnswerReader<Call>;
  #bytesInFlight = 0;
  /** Calls that nobody waits for any more, and their bytes. */
  #abandoned = 0;
  #abandonedBytes = 0;
  /** How many companies have all their answers, and the listener has not heard of it. */
  #finished = 0;
  /** Whether calls wait because the node has as many as it takes. */
  #starved = false;
  #peer: LinkLimits | undefined;
  #isProven = false;
  /** Whether a ping came since the last pong. One pong answers all pings. */
  #owesPong = false;
  #leaving = false;
  #gone = false;
  #heard = true;
  #silentBeats = 0;
  #cancelBeat: CancelTask;

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
    this.#answers = new AnswerReader(this.#findCall, this.#onOutcomes);
    this.#cancelBeat = options.timers.after(options.heartbeatMs, this.#onBeat);
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

  get isOpen(): boolean {
    return this.#peer !== undefined && !this.#leaving && !this.#gone;
  }

  /** How many calls are unanswered, those included that nobody waits for any more. */
  get size(): number {
    return this.#pending.size;
  }

  /** The unanswered calls, the oldest first. */
  get calls(): readonly Call[] {
    return this.#pending.oldestFirst();
  }

  /** How many bytes of calls are unanswered. */
  get bytes(): number {
    return this.#bytesInFlight;
  }

  /** The oldest call that somebody waits for. */
  get oldest(): Call | undefined {
    return this.calls.find(({ settled }) => !settled);
  }

  /** Sends calls from the front, as many as there is room for, and returns how many. */
  send(calls: readonly Call[]): number {
    const peer = this.#peer;
    if (peer === undefined || !this.isOpen || this.#socket.writableNeedDrain) return 0;
    const frameBytes = Math.min(this.#options.frameBytes, peer.maxFrameBytes / MAX_BYTES_PER_UNIT);
    let taken = 0;
    let inFrame = 0;
    const company = { open: 0 };
    for (const call of calls) {
      if (isLarger(call, peer.maxFrameBytes)) {
        call.failAll({
          ok: false,
          code: 'value_too_large',
          message: `${this.#address}: no frame is so large`,
        });
        taken++;
        continue;
      }
      this.#starved = !this.#hasRoom(call, peer);
      if (this.#starved) break;
      if (inFrame > 0 && this.#builder.size + call.weight > frameBytes) {
        this.#socket.write(this.#builder.finish());
        inFrame = 0;
      }
      if (inFrame === 0) this.#builder.begin(FRAME.calls);
      this.#put(call);
      call.company = company;
      company.open++;
      inFrame++;
      taken++;
    }
    if (inFrame > 0) this.#socket.write(this.#builder.finish());
    // A company of which nobody was sent has its answers as soon as it counts as one.
    if (taken > 0 && company.open === 0) queueMicrotask(() => this.#listener.answered());
    return taken;
  }

  /** Tells the callers of what is overdue. What comes for those calls later is passed over. */
  expire(nowMs: number): void {
    for (const call of this.calls) {
      if (call.settled) continue;
      if (call.deadlineMs > nowMs) break;
      this.#abandon(call);
      call.fail(new TransportError('timeout', `no answer within ${this.#options.nodeTimeoutMs} ms`));
    }
    this.#tellFinished();
    // A node that answers some calls and never others would in the end have no room left.
    const { maxCallsInFlight, maxBytesInFlight } = this.#peer ?? this.#options.limits;
    const isStuck = this.#abandoned > maxCallsInFlight / 2 || this.#abandonedBytes > maxBytesInFlight / 2;
    if (isStuck) this.end('too many calls were never answered');
    else this.#endIfDone();
  }

  /** Fails the calls in flight, and destroys the connection. */
  end(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#cancelBeat();
    this.#socket.destroy();
    const error = new TransportError('broken', `the link broke (${reason})`);
    const { calls } = this;
    this.#pending.clear();
    for (const call of calls) if (!call.settled) call.fail(error);
    this.#listener.lost(reason);
  }

  #hasRoom(call: Call, peer: LinkLimits): boolean {
    if (this.#pending.size >= peer.maxCallsInFlight) return false;
    return this.#bytesInFlight === 0 || this.#bytesInFlight + call.weight <= peer.maxBytesInFlight;
  }

  #put(call: Call): void {
    putCall(this.#builder, this.#pending.add(call), call);
    this.#bytesInFlight += call.weight;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#gone) return;
    this.#heard = true;
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
    if (this.#gone || this.#socket.writableNeedDrain) return;
    this.#owesPong = false;
    this.#socket.write(encodeSignal(this.#builder, FRAME.pong));
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
      case FRAME.ping:
        this.#owesPong = true;
        break;
      case FRAME.pong:
        break;
      case FRAME.goodbye:
        this.#onGoodbye();
        break;
      default:
        throw new LinkProtocolError('a node sends no such frame');
    }
  };

  #onAnswers(cursor: FrameCursor): void {
    this.#prove();
    for (const { id, call, refusal } of this.#answers.read(cursor)) {
      this.#pending.delete(id);
      this.#bytesInFlight -= call.weight;
      this.#leaveCompany(call);
      if (call.settled) {
        this.#abandoned--;
        this.#abandonedBytes -= call.weight;
      } else if (refusal === undefined) call.complete();
      else {
        const failure = refusalFailure(this.#address, refusal.code, refusal.message);
        call.failAll(isWrite(call.kind) ? withDoubt(failure) : failure);
      }
    }
    if (this.#finished === 0 && this.#starved) this.#listener.writable();
    this.#tellFinished();
    this.#endIfDone();
  }

  readonly #findCall = (id: number): Call | undefined => this.#pending.get(id);

  readonly #onOutcomes = (call: Call): void => {
    const wasSettled = call.settled;
    call.received();
    if (call.settled && !wasSettled) this.#abandon(call);
  };

  /** Nobody waits for the call any more, though the node has yet to answer it. */
  #abandon(call: Call): void {
    this.#abandoned++;
    this.#abandonedBytes += call.weight;
    this.#leaveCompany(call);
  }

  #prove(): void {
    if (this.#isProven) return;
    this.#isProven = true;
    this.#listener.proven();
  }

  #tellFinished(): void {
    for (; this.#finished > 0; this.#finished--) this.#listener.answered();
  }

  /** The others of a company need not wait for one that nobody waits for. */
  #leaveCompany(call: Call): void {
    const { company } = call;
    if (company === undefined) return;
    call.company = undefined;
    company.open--;
    if (company.open === 0) this.#finished++;
  }

  #onGoodbye(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#listener.leaving();
    this.#endIfDone();
  }

  /** Ends the connection to a node that is leaving when all calls have settled. */
  #endIfDone(): void {
    if (this.#leaving && this.#pending.size === this.#abandoned) this.end('the node is shutting down');
  }

  readonly #onBeat = (): void => {
    if (this.#heard && this.#peer !== undefined) this.#prove();
    this.#silentBeats = this.#heard ? 0 : this.#silentBeats + 1;
    this.#heard = false;
    if (this.#silentBeats >= DEAD_AFTER_BEATS) {
      this.end(`nothing came for ${DEAD_AFTER_BEATS * this.#options.heartbeatMs} ms`);
      return;
    }
    if (this.#silentBeats > 0) this.#socket.write(encodeSignal(this.#builder, FRAME.ping));
    this.#cancelBeat = this.#options.timers.after(this.#options.heartbeatMs, this.#onBeat);
  };
}

function isLarger(call: Call, maxFrameBytes: number): boolean {
  return mayExceed(call.weight + FRAME_HEADER_BYTES, maxFrameBytes) && frameBytesOf(call) > maxFrameBytes;
}

const DEAD_AFTER_BEATS = 3;
