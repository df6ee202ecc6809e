import type { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isPromise, KvsError, type Limits } from '@kvs/protocol';
import { isWrite, keysOf, weightOf, type Batch, type Kind } from '../batch.js';
import type { Answer } from '../codec/answers.js';
import { encodeAnswers } from '../codec/encode-answers.js';
import { decodeCalls, type CallRoom, type DecodedCall, type Refusal } from '../codec/calls.js';
import { FrameBuilder } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { FrameReader } from '../codec/frame-reader.js';
import { FRAME, type FrameType } from '../codec/frame.js';
import { decodeHello, encodeHello, encodeSignal, type LinkLimits } from '../codec/hello.js';
import { LinkProtocolError } from '../codec/link-protocol-error.js';
import { MAX_BYTES_PER_UNIT } from '../codec/text-bytes.js';
import { KeyOrder, type Ticket } from '../coalesce/key-order.js';
import type { Schedule } from '../ports.js';
import type { CallAdmission } from './call-admission.js';
import { doCall } from './do-call.js';
import type { HeldBytes } from './held-bytes.js';
import type { BatchOperations } from './link-server.js';
import { LINK_TOKEN } from './link-token.js';

/** The calls of all links of a node. */
export interface Load {
  /** How many calls were admitted and are not done. */
  calls: number;
  draining: boolean;
  /** How many calls have started, by kind. */
  readonly begun: Record<Kind, number>;
  /** How many calls were refused before they started. */
  refused: number;
}

/** The memory that all links of a node hold together. */
export interface LinkMemory {
  /** Incomplete frames. */
  readonly frames: HeldBytes;
  /** Unread answers. */
  readonly answers: HeldBytes;
}

export interface ServerLinkContext {
  readonly limits: Limits;
  readonly linkLimits: LinkLimits;
  readonly admission: CallAdmission;
  readonly load: Load;
  /** Most bytes of values that the unfinished fetches of a link can bring, unless a fetch is alone. */
  readonly maxFetchBytes: number;
  readonly memory: LinkMemory;
  readonly schedule: Schedule;
  readonly onError: (error: unknown) => void;
  /** @param breach the rule that the proxy broke, if it broke one */
  readonly closed: (breach?: string) => void;
  /** Called when the last admitted call of all links is done. */
  readonly idle: () => void;
}

type DecodedBatch = { readonly id: number } & Batch;

/**
 * One link, at the node. It starts calls in the order in which they came, and writes all answers of a turn at once.
 * While the store works on a call, later calls start too. A call waits for an earlier one on the same key if one of
 * the two is a write.
 *
 * Memory for answers is bounded. No call starts while the proxy has not read 1 MiB of answers. The values of all
 * unfinished fetches can have at most `maxInFlightBytes`, or one fetch runs alone. Later calls wait in order.
 */
export class ServerLink {
  readonly #builder = new FrameBuilder();
  readonly #reader: FrameReader;
  readonly #order = new KeyOrder();
  #answers: Answer[] = [];
  /** About how many bytes the answers have. */
  #answerBytes = 0;
  /** Whether the proxy has too many unread answers. No call starts until the socket's `drain`. */
  #full = false;
  /** Most bytes of values that the unfinished fetches can bring. */
  #fetchBytes = 0;
  /** Calls that have not started because memory for answers is short, in order. */
  #waiting: DecodedCall[] = [];
  #waitingBytes = 0;
  #peer: LinkLimits | undefined;
  /** Calls in flight, and their bytes. */
  #unanswered = 0;
  #unansweredBytes = 0;
  /** Whether a ping came since the last pong. One pong answers all pings. */
  #owesPong = false;
  #inTurn = false;
  #scheduled = false;
  #gone = false;

  readonly #operations: BatchOperations;
  readonly #socket: Duplex;
  readonly #context: ServerLinkContext;

  constructor(operations: BatchOperations, socket: Duplex, context: ServerLinkContext) {
    this.#operations = operations;
    this.#socket = socket;
    this.#context = context;

    this.#reader = new FrameReader(context.linkLimits.maxFrameBytes, this.#onFrame);
    if (socket instanceof Socket) {
      socket.setNoDelay(true);
      socket.setTimeout(IDLE_MS, () => this.close());
    }
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('error', () => this.close());
    socket.on('end', () => this.end());
    socket.on('close', () => this.close());
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${LINK_TOKEN}\r\n\r\n`);
    socket.write(encodeHello(this.#builder, context.linkLimits));
  }

  /** Takes the bytes that came together with the request for a link. */
  begin(head: Buffer): void {
    if (head.length > 0) this.#onData(head);
  }

  /** Tells the proxy to send no more calls here. */
  sayGoodbye(): void {
    if (!this.#gone) this.#socket.write(encodeSignal(this.#builder, FRAME.goodbye));
  }

  /** Ends the link after everything written so far. */
  end(): void {
    if (!this.#gone) this.#socket.end(() => this.#socket.destroy());
  }

  /**
   * Cuts the link.
   *
   * @param breach the rule that the proxy broke, if it broke one
   */
  close(breach?: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#waiting = [];
    this.#answers = [];
    this.#socket.destroy();
    const { memory, closed } = this.#context;
    memory.frames.set(this, 0);
    memory.answers.set(this, 0);
    closed(breach);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#gone) return;
    this.#inTurn = true;
    try {
      const { frames } = this.#context.memory;
      if (this.#reader.push(chunk)) frames.set(this, 0);
      frames.set(this, this.#reader.heldBytes);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error;
      // Calls that have started still run, but their answers are dropped.
      this.close(error.message);
      return;
    } finally {
      this.#inTurn = false;
    }
    this.#flush();
  };

  readonly #onDrain = (): void => {
    this.#full = false;
    this.#context.memory.answers.set(this, 0);
    this.#inTurn = true;
    this.#startWaiting();
    this.#inTurn = false;
    this.#flush();
    this.#throttle();
  };

  readonly #onFrame = (type: FrameType, cursor: FrameCursor): void => {
    if (this.#peer === undefined) {
      if (type !== FRAME.hello) throw new LinkProtocolError('the first frame is not a hello');
      this.#peer = decodeHello(cursor);
      return;
    }
    switch (type) {
      case FRAME.calls:
        for (const call of decodeCalls(cursor, this.#context.limits, this.#room)) this.#take(call);
        break;
      case FRAME.ping:
        this.#owesPong = true;
        break;
      case FRAME.pong:
      case FRAME.goodbye:
        break;
      default:
        throw new LinkProtocolError('a proxy sends no such frame');
    }
  };

  /** How much more the proxy may send within the limits of the hello. */
  get #room(): CallRoom {
    const { maxCallsInFlight, maxBytesInFlight } = this.#context.linkLimits;
    const calls = this.#unanswered + this.#waiting.length;
    const bytes = this.#unansweredBytes + this.#waitingBytes;
    return { calls: maxCallsInFlight - calls, bytes: maxBytesInFlight - bytes, isIdle: calls === 0 };
  }

  #take(call: DecodedCall): void {
    if (this.#waiting.length === 0 && this.#canStart(call)) {
      this.#run(call);
      return;
    }
    this.#waiting.push(call);
    if (!('refusal' in call)) this.#waitingBytes += weightOf(call);
  }

  /** Whether there is memory for the answer. */
  #canStart(call: DecodedCall): boolean {
    if (this.#full) return false;
    if (this.#fetchBytes === 0 || 'refusal' in call) return true;
    const bytes = this.#maxValueBytesOf(call);
    return bytes === 0 || this.#fetchBytes + bytes <= this.#context.maxFetchBytes;
  }

  /** Most bytes of values that the answer can have. */
  #maxValueBytesOf({ kind, items }: DecodedBatch): number {
    const { maxAnswerBytes, maxValueBytes } = this.#context.limits;
    return kind === 'fetch' ? Math.min(maxAnswerBytes, items.length * maxValueBytes) : 0;
  }

  /** Starts waiting calls from the front, as far as there is memory. */
  #startWaiting(): void {
    const waiting = this.#waiting;
    let started = 0;
    for (const call of waiting) {
      if (this.#gone || !this.#canStart(call)) break;
      started++;
      if (!('refusal' in call)) this.#waitingBytes -= weightOf(call);
      this.#run(call);
    }
    waiting.splice(0, started);
  }

  #run(call: DecodedCall): void {
    if ('refusal' in call) return this.#refuse(call.id, call.refusal);
    const { load, admission } = this.#context;
    const weight = weightOf(call);
    const refusal = load.draining ? SHUTTING_DOWN : admission.enter(weight);
    if (refusal !== undefined) return this.#refuse(call.id, refusal);
    load.calls++;
    load.begun[call.kind]++;
    if (this.#order.isEmpty) this.#start(call, weight);
    else this.#queue(call, weight);
  }

  #refuse(id: number, refusal: Refusal): void {
    this.#context.load.refused++;
    this.#answer({ id, refusal });
  }

  /** Runs a call while no other is in flight. It needs a ticket only if the store does not answer at once. */
  #start(call: DecodedBatch, weight: number): void {
    const answer = this.#attempt(call);
    if (!isPromise(answer)) {
      this.#leave(weight);
      this.#answer(answer);
      return;
    }
    const finish = this.#track(call, weight);
    const ticket = this.#order.enter(keysOf(call), isWrite(call.kind), () => undefined);
    answer.then((done) => finish(done, ticket)).catch(this.#context.onError);
  }

  #queue(call: DecodedBatch, weight: number): void {
    const finish = this.#track(call, weight);
    const ticket = this.#order.enter(keysOf(call), isWrite(call.kind), () => {
      // The answer must come later, even if the store has answered: `ticket` is not assigned yet.
      Promise.resolve(this.#attempt(call))
        .then((done) => finish(done, ticket))
        .catch(this.#context.onError);
    });
  }

  /** Counts a call as unanswered until the returned function is called with its answer. */
  #track(call: DecodedBatch, weight: number): (answer: Answer, ticket: Ticket) => void {
    const valueBytes = this.#maxValueBytesOf(call);
    this.#unanswered++;
    this.#unansweredBytes += weight;
    this.#fetchBytes += valueBytes;
    this.#throttle();
    return (answer, ticket) => {
      this.#leave(weight);
      this.#unanswered--;
      this.#unansweredBytes -= weight;
      this.#fetchBytes -= valueBytes;
      this.#order.leave(ticket);
      this.#answer(answer);
      if (this.#waiting.length > 0) this.#startWaiting();
      this.#throttle();
      if (this.#context.load.calls === 0) this.#context.idle();
    };
  }

  #leave(weight: number): void {
    this.#context.admission.leave(weight);
    this.#context.load.calls--;
  }

  #attempt(call: DecodedBatch) {
    try {
      const answer = doCall(this.#operations, call.id, call, this.#context.limits.maxAnswerBytes);
      return isPromise(answer) ? answer.catch((error: unknown) => this.#refused(call.id, error)) : answer;
    } catch (error) {
      return this.#refused(call.id, error);
    }
  }

  #refused(id: number, error: unknown): Answer {
    if (error instanceof KvsError) return { id, refusal: { code: error.code, message: error.message } };
    this.#context.onError(error);
    return { id, refusal: { code: 'internal_error', message: 'an unexpected error' } };
  }

  #answer(answer: Answer): void {
    if (this.#gone) return;
    this.#answers.push(answer);
    this.#answerBytes += bytesOf(answer);
    if (this.#answerBytes >= FRAME_BYTES) {
      this.#flush();
      return;
    }
    if (this.#inTurn || this.#scheduled) return;
    this.#scheduled = true;
    this.#context.schedule(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const answers = this.#answers;
    const peer = this.#peer;
    const socket = this.#socket;
    const owesPong = this.#owesPong;
    if ((answers.length === 0 && !owesPong) || peer === undefined || this.#gone) return;
    this.#answers = [];
    this.#answerBytes = 0;
    this.#owesPong = false;
    const { maxFrameBytes } = peer;
    const frameBytes = Math.min(FRAME_BYTES, maxFrameBytes / MAX_BYTES_PER_UNIT);
    socket.cork();
    if (answers.length > 0)
      for (const frame of encodeAnswers(this.#builder, answers, { frameBytes, maxFrameBytes }))
        socket.write(frame);
    if (owesPong) socket.write(encodeSignal(this.#builder, FRAME.pong));
    socket.uncork();
    this.#full = socket.writableLength > MAX_UNREAD_BYTES;
    // Fewer bytes are not counted, because the socket might emit no `drain` to end the count.
    if (this.#full) this.#context.memory.answers.set(this, socket.writableLength);
    this.#throttle();
  }

  /** Reads no further calls while too much is unanswered, or unread at the other end. */
  #throttle(): void {
    if (this.#gone) return;
    const { maxCallsInFlight } = this.#context.linkLimits;
    if (this.#full || this.#unanswered >= maxCallsInFlight) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }
}

/** Only values make an answer large. */
function bytesOf(answer: Answer): number {
  let bytes = ANSWER_WEIGHT;
  if ('refusal' in answer || answer.kind !== 'fetch') return bytes;
  for (const outcome of answer.outcomes)
    if (outcome.ok && outcome.entry) bytes += outcome.entry.value.data.length;
  return bytes;
}

const SHUTTING_DOWN: Refusal = { code: 'shutting_down', message: 'the server is shutting down' };

const ANSWER_WEIGHT = 32;
const KIB = 1024;
const FRAME_BYTES = 256 * KIB;
const MAX_UNREAD_BYTES = 1024 * KIB;
/** A proxy that hears nothing sends pings, so a link that is silent for this long is dead. */
const IDLE_MS = 60_000;
