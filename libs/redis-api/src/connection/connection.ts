import type { Socket } from 'node:net';
import { addressOf, isPromise, type KvsError } from '@kvs/protocol';
import { resetConnection, sendProgress } from '@kvs/server';
import type { ClientState, CommandQueue, ServerView } from '../command.js';
import { Encoded, RedisError, type Reply } from '../reply.js';
import { ProtocolError } from '../resp/protocol-error.js';
import { ReplyWriter, type ProtocolVersion, type WriteBuffers } from '../resp/reply-writer.js';
import { RequestReader, type Request, type RequestLimits } from '../resp/request-reader.js';
import { MAX_SLICE_MS } from '../time-slices.js';
import { WatchedKeys } from '../watched-keys.js';
import { CommandRunner, type RunnerParts } from './command-runner.js';
import type { TurnEnd } from './turn-end.js';

/** How long a client may make no progress. */
export interface ProgressLimits {
  /** How long a client may send no byte of a request or a large transaction that it has begun, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** The lowest sustained speed of a request or a large transaction, in bytes per second. */
  readonly minBodyRate: number;
  /** How long a client may read no byte of its replies, in milliseconds. */
  readonly answerTimeoutMs: number;
}

/** The parts that all connections of a listener share. */
export interface ConnectionParts extends RunnerParts {
  readonly requestLimits: RequestLimits;
  readonly progressLimits: ProgressLimits;
  readonly server: ServerView;
  readonly buffers: WriteBuffers;
  readonly turnEnd: TurnEnd;
}

/**
 * One connection: reads requests, runs them in order, and sends all replies that are there at once. It reads no further
 * while the client does not read its replies, and not much further while a command runs.
 */
export class Connection implements ClientState {
  readonly sinceMs = performance.now();
  lastBytesMs = this.sinceMs;
  readonly address: string;
  readonly localAddress: string;
  protocol: ProtocolVersion = 2;
  name = '';
  libraryName = '';
  libraryVersion = '';
  replies: ClientState['replies'] = 'on';
  queue: CommandQueue | undefined;
  readonly watched: WatchedKeys;

  readonly #socket: Socket;
  readonly #parts: ConnectionParts;
  readonly #reader: RequestReader;
  readonly #writer: ReplyWriter;
  readonly #runner: CommandRunner;
  /** Whether a command runs that was not done at once, or others run before the next one. */
  #isBusy = false;
  /** Set when no command is run any more: the connection ends as soon as its replies are written. */
  #isEnding = false;
  /** Whether {@link #runAndSend} runs. It ends an idle connection itself. */
  #isRunning = false;
  /** The turn of the event loop in which commands ran last, and when the first of them began. */
  #turnNumber = -1;
  #turnStartMs = 0;
  /** Whether replies wait for the end of the turn of the event loop. */
  #isSendDue = false;
  /** How long ago the server ended its side of the connection. Bytes that the client sends since then are discarded. */
  #endedMs = 0;
  /** Whether the client has sent all that it will send. */
  #hasAll = false;
  #protocolError: ProtocolError | undefined;
  /** Bytes that were counted as held by the reader, and as not read by the client. */
  #held = 0;
  #unread = 0;
  readonly #progress: { readBytes: number; sentBytes: number; leftMs: number; idleMs: number };
  /** Called when a connection that ends has nothing in flight any more. */
  onIdle: (() => void) | undefined;

  /** @param id never used twice in one process */
  constructor(
    readonly id: number,
    socket: Socket,
    parts: ConnectionParts,
  ) {
    this.#socket = socket;
    this.#parts = parts;
    const { bodyTimeoutMs } = parts.progressLimits;
    this.#progress = { readBytes: 0, sentBytes: 0, leftMs: bodyTimeoutMs, idleMs: 0 };
    this.watched = new WatchedKeys(parts.admission);
    this.#reader = new RequestReader(parts.requestLimits);
    this.#writer = new ReplyWriter(parts.buffers);
    this.address = addressOf(socket.remoteAddress ?? '?', socket.remotePort ?? 0);
    this.localAddress = addressOf(socket.localAddress ?? '?', socket.localPort ?? 0);
    this.#runner = new CommandRunner(
      parts,
      { client: this, server: parts.server, keyspace: parts.keyspace },
      () => this.#nextRequest(),
      (reply) => this.#write(reply),
    );
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    // The client sends no more, and may still wait for replies.
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  get lastCommand(): string {
    return this.#runner.lastCommand;
  }

  /** Whether a command runs or a reply has not been read. */
  get isInFlight(): boolean {
    return this.#isBusy || this.#isSendDue || this.#unread > 0;
  }

  /** Runs no further command, and closes the connection once all replies are written. */
  end(): void {
    this.#isEnding = true;
    if (!this.#isRunning) this.#endIfIdle();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes the connection of a client that makes no progress, or that goes on although the server has ended its side. */
  check(elapsedMs: number): void {
    if (this.#socket.writableFinished) this.#endedMs += elapsedMs;
    if (this.#endedMs > MAX_ENDED_MS) return this.destroy();
    const { bodyTimeoutMs, minBodyRate, answerTimeoutMs } = this.#parts.progressLimits;
    const progress = this.#progress;
    const sentBytes = sendProgress(this.#socket);
    const { bytesRead } = this.#socket;
    progress.idleMs =
      this.#unread === 0 || sentBytes !== progress.sentBytes ? 0 : progress.idleMs + elapsedMs;
    // Bytes earn time, but no more than `bodyTimeoutMs`: otherwise a burst would earn hours of silence.
    const earnedMs = ((bytesRead - progress.readBytes) / minBodyRate) * 1000;
    const isIncomplete = this.#held > 0 || this.#runner.queuedBytes + this.watched.bytes > MAX_IDLE_BYTES;
    const isReceiving = isIncomplete && !this.isInFlight;
    progress.leftMs = isReceiving
      ? Math.min(progress.leftMs - elapsedMs + earnedMs, bodyTimeoutMs)
      : bodyTimeoutMs;
    progress.sentBytes = sentBytes;
    progress.readBytes = bytesRead;
    if (progress.idleMs >= answerTimeoutMs || progress.leftMs <= 0) resetConnection(this.#socket);
  }

  #onData(chunk: Buffer): void {
    if (this.#isEnding) return;
    this.lastBytesMs = performance.now();
    this.#reader.push(chunk);
    this.#yieldIfLong(this.lastBytesMs);
    this.#runAndSend(() => this.#sendAtTurnEnd());
  }

  /**
   * Lets others run if commands have run for long in this turn of the event loop. All that Node reads from a connection in one
   * turn can be 2 MiB, and commands that end with a promise are still in the same turn if they needed no I/O.
   */
  #yieldIfLong(nowMs = performance.now()): void {
    if (!this.#canRun) return;
    const number = this.#parts.turnEnd.turnNumber();
    if (number !== this.#turnNumber) this.#turnStartMs = nowMs;
    this.#turnNumber = number;
    if (nowMs - this.#turnStartMs >= MAX_SLICE_MS) this.#letOthersRun();
  }

  /** The client sends nothing more. All that it has sent is still answered. */
  #onEnd(): void {
    this.#hasAll = true;
    this.#runAndSend();
  }

  readonly #onStep = (): void => {
    this.#isBusy = false;
    // Only before more commands, because asking for the turn's number makes the event loop take another one.
    if (this.#reader.heldBytes > 0) this.#yieldIfLong();
    this.#runAndSend();
  };

  readonly #onDefect = (error: unknown): void => {
    this.#isBusy = false;
    this.#parts.onError(error);
    this.#socket.destroy();
  };

  readonly #onSent = (error?: Error | null): void => {
    // Node destroys the socket only after this.
    if (error) this.#isEnding = true;
    if (this.#unread === 0) return;
    this.#countUnread(this.#socket.writableLength);
    if (this.#unread === 0) this.#runAndSend();
  };

  #onClose(): void {
    this.#isEnding = true;
    this.#countHeld(0);
    this.#countUnread(0);
    this.#runner.releaseQueue();
    this.watched.close();
  }

  /** Runs commands and sends their replies. */
  #runAndSend(send = (): void => this.#send()): void {
    this.#isRunning = true;
    try {
      this.#run();
      send();
    } catch (error) {
      this.#onDefect(error);
    }
    this.#isRunning = false;
    this.#pauseOrResume();
    this.#endIfIdle();
  }

  /** Runs commands until there is none, or one is not done at once, or others or the client must do something first. */
  #run(): void {
    for (let steps = 1; this.#canRun; steps++) {
      const step = this.#runner.step();
      if (isPromise(step)) {
        this.#isBusy = true;
        step.then(this.#onStep, this.#onDefect);
      } else if (!step) {
        return this.#waitForBytes();
      } else if (this.#runner.isLong || steps % SHORT_STEPS === 0) {
        // Not at each step, because reading the clock would cost a pipeline of small commands some percent.
        this.#yieldIfLong();
      }
    }
    // A refusal ends no connection whose command runs. The socket pauses.
    this.#countHeld(this.#reader.heldBytes);
  }

  #letOthersRun(): void {
    this.#isBusy = true;
    this.#send();
    setImmediate(this.#onStep);
  }

  get #canRun(): boolean {
    return !this.#isBusy && this.#unread === 0 && !this.#isEnding && !this.#socket.destroyed;
  }

  /** All requests that arrived in full are answered. */
  #waitForBytes(): void {
    if (this.#protocolError !== undefined)
      return this.#endWith(`Protocol error: ${this.#protocolError.message}`);
    const refusal = this.#countHeld(this.#reader.heldBytes);
    if (refusal !== undefined) this.#endWith(refusal.message);
    else if (this.#hasAll) this.#isEnding = true;
  }

  #endWith(message: string): void {
    this.#write(new RedisError('ERR', message));
    this.#isEnding = true;
    // At once: the client may read the reply late, and nothing counts what was refused.
    this.#reader.clear();
    this.#countHeld(0);
  }

  #nextRequest(): Request | undefined {
    if (this.#protocolError !== undefined) return undefined;
    try {
      const request = this.#reader.next();
      // The bytes of the request are counted when it is admitted.
      if (request !== undefined && this.#held > 0) this.#countHeld(this.#reader.heldBytes);
      return request;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      // The requests before it are answered first.
      this.#protocolError = error;
      return undefined;
    }
  }

  #write(reply: Reply): void {
    if (this.replies === 'on') this.#writeOrShare(reply);
    else if (this.replies === 'skip') this.replies = 'skip-next';
    else if (this.replies === 'skip-next') this.replies = 'on';
    // At once, so that the next read on any connection finds the bytes counted.
    if (this.#writer.length >= SEND_FROM_BYTES) this.#send();
  }

  /** A large reply that all clients share is not copied, so that it takes no memory while a client does not read it. */
  #writeOrShare(reply: Reply): void {
    const shared = reply instanceof Encoded ? reply.bytes[this.protocol] : NOTHING;
    if (shared.length < UNCOPIED_BYTES) return this.#writer.write(reply, this.protocol);
    this.#send();
    this.#sendBytes(shared);
  }

  /** Replies to commands that were done at once wait for those to other connections. */
  #sendAtTurnEnd(): void {
    if (this.#isSendDue || this.#writer.length === 0) return;
    this.#isSendDue = this.#parts.turnEnd.add(this.#onTurnEnd);
    if (!this.#isSendDue) this.#send();
  }

  readonly #onTurnEnd = (): void => {
    this.#isSendDue = false;
    try {
      this.#send();
    } catch (error) {
      this.#onDefect(error);
    }
    this.#pauseOrResume();
    this.#endIfIdle();
  };

  #send(): void {
    if (this.#writer.length > 0) this.#sendBytes(this.#writer.take());
  }

  #sendBytes(bytes: Uint8Array): void {
    if (this.#socket.destroyed) return;
    this.#socket.write(bytes, this.#onSent);
    this.#countUnread(this.#socket.writableLength);
  }

  /**
   * While nothing can run, only a little is read. If the server has no room for that, nothing more is read: then a connection
   * holds at most one chunk of the socket, 64 KiB, beyond the budget.
   */
  #pauseOrResume(): void {
    const { heldBytes } = this.#reader;
    const isTooMuch = heldBytes > READ_AHEAD_BYTES || heldBytes !== this.#held;
    if (this.isInFlight && isTooMuch) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #endIfIdle(): void {
    if (!this.#isEnding || this.isInFlight) return;
    this.#reader.clear();
    this.#countHeld(0);
    this.#socket.end();
    this.onIdle?.();
  }

  /** Returns the refusal if the server has no room for what the reader holds. That is then counted later, or discarded. */
  #countHeld(bytes: number): KvsError | undefined {
    if (bytes === this.#held) return undefined;
    const refusal = this.#parts.admission.hold(bytes - this.#held, this.#held);
    if (refusal === undefined) this.#held = bytes;
    return refusal;
  }

  #countUnread(bytes: number): void {
    if (bytes === this.#unread) return;
    this.#parts.admission.addUnread(bytes - this.#unread);
    this.#unread = bytes;
  }
}

const NOTHING = new Uint8Array();
/** A reply that all clients share is sent by itself from this size on. */
const UNCOPIED_BYTES = 16 * 1024;
/** Replies are sent when they reach this size, before those to later commands. */
const SEND_FROM_BYTES = 64 * 1024;
/** How long a client has to read the last reply, because closing a connection with unread bytes would discard it. */
const MAX_ENDED_MS = 1000;
/** How much a transaction may hold that does not go on arriving: enough for people, and little for the budget. */
const MAX_IDLE_BYTES = 64 * 1024;
/** After how many short steps the clock is read. Each can be a batch of 128 commands. */
const SHORT_STEPS = 8;
/** How much is read while no command can run. */
const READ_AHEAD_BYTES = 64 * 1024;
