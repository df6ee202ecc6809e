import type { Buffer } from 'node:buffer';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Answer } from '../codec/answers.js';
import { decodeCalls } from '../codec/calls.js';
import { encodeAnswers } from '../codec/encode-answers.js';
import { FrameBuilder, MAX_BYTES_PER_UNIT } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { FrameReader } from '../codec/frame-reader.js';
import { FRAME, type FrameType, LinkProtocolError, LINK_TOKEN } from '../codec/frame.js';
import { decodeHello, encodeHello, encodeSignal, type LinkLimits } from '../codec/hello.js';
import { decodeCancel, decodeCredit, decodeOpen, MAX_CHUNK_BYTES, type OpenFrame } from '../codec/streams.js';
import type { Schedule } from '../ports.js';
import { CallRunner, type LinkContext } from './call-runner.js';
import type { HeldBytes } from './held-bytes.js';
import type { NodeOperations } from './node-operations.js';
import { OutgoingStreams } from './outgoing-streams.js';

/** The memory that all links of a node hold together. */
export interface LinkMemory {
  /** Incomplete frames. */
  readonly frames: HeldBytes;
  /** Unread answers. */
  readonly answers: HeldBytes;
}

export interface ServerLinkContext extends LinkContext {
  readonly memory: LinkMemory;
  readonly schedule: Schedule;
  /** @param breach the rule that the proxy broke, if it broke one */
  readonly closed: (breach?: string) => void;
}

/**
 * One link, at the node: reads frames, has calls run and streams sent, and writes all answers of a turn at once. While the
 * proxy has not read 1 MiB of answers, it reads and runs no further calls.
 */
export class ServerLink {
  readonly #builder = new FrameBuilder();
  readonly #reader: FrameReader;
  readonly #calls: CallRunner;
  readonly #streams: OutgoingStreams;
  #answers: Answer[] = [];
  /** About how many bytes the answers have. */
  #answerBytes = 0;
  /** Whether the proxy has too many unread answers. No call starts until the socket's `drain`. */
  #full = false;
  #peer: LinkLimits | undefined;
  /** Whether a ping came since the last pong. One pong answers all pings. */
  #owesPong = false;
  #isReading = false;
  #scheduled = false;
  #gone = false;

  readonly #socket: Duplex;
  readonly #context: ServerLinkContext;

  constructor(operations: NodeOperations, socket: Duplex, context: ServerLinkContext) {
    this.#socket = socket;
    this.#context = context;

    this.#reader = new FrameReader(context.linkLimits.maxFrameBytes, this.#onFrame);
    this.#calls = new CallRunner(operations, {
      ...context,
      hasRoom: () => !this.#full,
      answer: (answer) => this.#answer(answer),
      changed: () => this.#throttle(),
    });
    this.#streams = new OutgoingStreams(socket, this.#builder, operations, context.onError);
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
  goAway(): void {
    if (!this.#gone) this.#socket.write(encodeSignal(this.#builder, FRAME.goAway));
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
    this.#answers = [];
    this.#calls.close();
    this.#socket.destroy();
    this.#streams.close();
    const { memory, closed } = this.#context;
    memory.frames.set(this, 0);
    memory.answers.set(this, 0);
    closed(breach);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#gone) return;
    this.#isReading = true;
    try {
      this.#reader.push(chunk);
      this.#context.memory.frames.set(this, this.#reader.heldBytes);
    } catch (error) {
      if (!(error instanceof LinkProtocolError)) throw error;
      // Calls that have started still run, but their answers are dropped.
      this.close(error.message);
      return;
    } finally {
      this.#isReading = false;
    }
    this.#flush();
  };

  readonly #onDrain = (): void => {
    this.#full = false;
    this.#context.memory.answers.set(this, 0);
    this.#isReading = true;
    this.#calls.resume();
    this.#isReading = false;
    this.#flush();
    this.#throttle();
    this.#streams.resume();
  };

  readonly #onFrame = (type: FrameType, cursor: FrameCursor): void => {
    // The frame is complete, and its calls must not find the budget taken by it.
    this.#context.memory.frames.set(this, 0);
    if (this.#peer === undefined) {
      if (type !== FRAME.hello) throw new LinkProtocolError('the first frame is not a hello');
      this.#peer = decodeHello(cursor);
      return;
    }
    switch (type) {
      case FRAME.calls:
        for (const call of decodeCalls(cursor, this.#context.limits, this.#calls.room)) this.#calls.run(call);
        break;
      case FRAME.open:
        this.#open(decodeOpen(cursor));
        break;
      case FRAME.credit: {
        const { id, bytes } = decodeCredit(cursor);
        this.#streams.grant(id, bytes);
        break;
      }
      case FRAME.cancel:
        this.#streams.cancel(decodeCancel(cursor));
        break;
      case FRAME.ping:
        this.#owesPong = true;
        break;
      case FRAME.pong:
        break;
      default:
        throw new LinkProtocolError('a proxy sends no such frame');
    }
  };

  /** Statistics are sent also while the node is full, because an operator wants them most then. */
  #open(frame: OpenFrame): void {
    const { enter, leave, linkLimits, onError } = this.#context;
    this.#streams.check(frame.id, linkLimits.maxCallsInFlight);
    if (frame.request.kind === 'stats') {
      this.#streams.open(frame).catch(onError);
      return;
    }
    const refusal = enter('scan', MAX_CHUNK_BYTES);
    if (refusal !== undefined) this.#streams.refuse(frame.id, refusal);
    else {
      const done = (): void => leave(MAX_CHUNK_BYTES);
      this.#streams.open(frame).finally(done).catch(onError);
    }
  }

  #answer(answer: Answer): void {
    if (this.#gone) return;
    this.#answers.push(answer);
    this.#answerBytes += bytesOf(answer);
    if (this.#answerBytes >= FRAME_BYTES) {
      this.#flush();
      return;
    }
    if (this.#isReading || this.#scheduled) return;
    this.#scheduled = true;
    this.#context.schedule(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  /** Writes the answers, and counts as unread also what streams have written. */
  #flush(): void {
    const peer = this.#peer;
    const socket = this.#socket;
    if (peer === undefined || this.#gone) return;
    if (this.#answers.length > 0 || this.#owesPong) this.#writeAnswers(peer);
    this.#full = socket.writableLength > MAX_UNREAD_BYTES;
    // Fewer bytes are not counted, because the socket might emit no `drain` to end the count.
    if (this.#full) this.#context.memory.answers.set(this, socket.writableLength);
    this.#throttle();
  }

  #writeAnswers({ maxFrameBytes }: LinkLimits): void {
    const socket = this.#socket;
    const answers = this.#answers;
    const owesPong = this.#owesPong;
    this.#answers = [];
    this.#answerBytes = 0;
    this.#owesPong = false;
    const frameBytes = Math.min(FRAME_BYTES, maxFrameBytes / MAX_BYTES_PER_UNIT);
    socket.cork();
    if (answers.length > 0)
      for (const frame of encodeAnswers(this.#builder, answers, { frameBytes, maxFrameBytes }))
        socket.write(frame);
    if (owesPong) socket.write(encodeSignal(this.#builder, FRAME.pong));
    socket.uncork();
  }

  /** Reads no further calls while too much is unanswered, or unread at the other end. */
  #throttle(): void {
    if (this.#gone) return;
    if (this.#full || this.#calls.isBusy) this.#socket.pause();
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

const ANSWER_WEIGHT = 32;
const KIB = 1024;
const FRAME_BYTES = 256 * KIB;
const MAX_UNREAD_BYTES = 1024 * KIB;
/** A proxy that hears nothing sends pings, so a link that is silent for this long is dead. */
const IDLE_MS = 60_000;
