import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { encodeAnswers, type Answer } from '../codec/answers.js';
import { decodeCalls } from '../codec/calls.js';
import { MAX_BYTES_PER_UNIT } from '../codec/frame-builder.js';
import type { FrameCursor } from '../codec/frame-cursor.js';
import { FRAME, FULL_FRAME_BYTES, LinkProtocolError, LINK_TOKEN, type FrameType } from '../codec/frame.js';
import { checkCluster, type Hello, type LinkLimits, type PeerIdentity } from '../codec/hello.js';
import type { PeerReceiver } from '../codec/peer-messages.js';
import { decodeOpen, SENT_CHUNK_BYTES, type OpenFrame } from '../codec/streams.js';
import { endOfTurn, type Timers } from '../ports.js';
import { CallRunner, type LinkContext } from './call-runner.js';
import { FrameSocket } from './frame-socket.js';
import type { HeldBytes } from './held-bytes.js';
import type { NodeOperations } from './node-operations.js';
import { OutgoingStreams } from './outgoing-streams.js';

/** The memory that all links of a node hold together. */
export interface LinkMemory {
  /** Incomplete frames, and calls that have not started. */
  readonly incomplete: HeldBytes;
  /** Unread answers. */
  readonly unread: HeldBytes;
}

export interface ServerLinkContext extends LinkContext {
  readonly memory: LinkMemory;
  readonly peers: PeerReceiver | undefined;
  readonly timers: Pick<Timers, 'nowMs'>;
  /** The other end has said hello, and is a node. */
  readonly foundNode: (bootId: string) => void;
  /** @param breach the rule that the proxy broke, if it broke one */
  readonly closed: (breach?: string) => void;
}

/**
 * One link, at the node: reads frames, has calls run and streams sent, and writes all answers of a turn at once. While the
 * proxy has not read 1 MiB of answers, it reads and runs no further calls.
 */
export class ServerLink {
  readonly #frames: FrameSocket;
  readonly #calls: CallRunner;
  readonly #streams: OutgoingStreams;
  #answers: Answer[] = [];
  /** About how many bytes the answers have. */
  #answerBytes = 0;
  /** How many bytes the incomplete frame has. */
  #frameBytes = 0;
  /** Whether the proxy has too many unread answers. No call starts until the socket's `drain`. */
  #isFull = false;
  #isGoingAway = false;
  /** Whether the code that runs now flushes at its end, so that an answer need not schedule a flush. */
  #willFlush = false;
  #isFlushScheduled = false;

  readonly #socket: Duplex;
  readonly #context: ServerLinkContext;

  constructor(operations: NodeOperations, socket: Duplex, context: ServerLinkContext) {
    this.#socket = socket;
    this.#context = context;

    this.#calls = new CallRunner(operations, {
      ...context,
      hasRoom: () => !this.#isFull || this.#isGoingAway,
      answer: (answer) => this.#answer(answer),
      waitingChanged: () => this.#countIncomplete(),
    });
    if (socket instanceof Socket) {
      socket.setNoDelay(true);
      socket.setTimeout(IDLE_MS, () => this.close());
    }
    socket.on('end', () => this.end());
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${LINK_TOKEN}\r\n\r\n`);
    const identity = context.peers?.identity();
    const hello = { ...context.linkLimits, ...(identity && { identity }) };
    this.#frames = new FrameSocket(socket, hello, {
      opened: (peer) => {
        checkPeer(peer, identity);
        if (peer.identity !== undefined) context.foundNode(peer.identity.bootId);
      },
      received: (type, cursor) => this.#onFrame(type, cursor),
      readAll: () => this.#onReadAll(),
      writable: () => this.#onWritable(),
      closed: (reason, isBreach) => this.#onClosed(isBreach ? reason : undefined),
    });
    this.#streams = new OutgoingStreams(
      socket,
      this.#frames.builder,
      operations,
      context.timers,
      context.onError,
    );
  }

  /** The boot id of the node at the other end; undefined for proxies, and before the hello. */
  get bootId(): string | undefined {
    return this.#frames.peer?.identity?.bootId;
  }

  /** Tells the proxy to send no more calls here. Calls that have not started are refused, also if their answers are read late. */
  goAway(): void {
    this.#frames.signal(FRAME.goAway);
    this.#isGoingAway = true;
    this.#calls.resume();
  }

  /** Ends the link after everything written so far. */
  end(): void {
    this.#frames.end();
  }

  /**
   * Cuts the link. Calls that have started still run, but their answers are dropped.
   *
   * @param breach the rule that the proxy broke, if it broke one
   */
  close(breach?: string): void {
    this.#frames.close(breach ?? 'it was closed', breach !== undefined);
  }

  #onClosed(breach: string | undefined): void {
    this.#answers = [];
    this.#calls.close();
    this.#streams.close();
    const { memory, closed } = this.#context;
    memory.incomplete.set(this, 0);
    memory.unread.set(this, 0);
    closed(breach);
  }

  #countIncomplete(): void {
    this.#context.memory.incomplete.set(this, this.#frameBytes + this.#calls.waitingBytes);
  }

  #onReadAll(): void {
    this.#willFlush = false;
    if (this.bootId !== undefined) this.#context.peers?.heard(this.bootId);
    this.#frameBytes = this.#frames.heldBytes;
    this.#countIncomplete();
    this.#flush();
  }

  #onWritable(): void {
    this.#isFull = false;
    this.#context.memory.unread.set(this, 0);
    this.#willFlush = true;
    this.#calls.resume();
    this.#willFlush = false;
    this.#flush();
    this.#streams.resume();
  }

  #onFrame(type: FrameType, cursor: FrameCursor): void {
    this.#willFlush = true;
    // The frame is complete, and its calls must not find the budget taken by it.
    this.#frameBytes = 0;
    this.#countIncomplete();
    switch (type) {
      case FRAME.calls:
        for (const call of decodeCalls(cursor, this.#context.limits, this.#calls.room)) this.#calls.run(call);
        break;
      case FRAME.open:
        this.#open(decodeOpen(cursor));
        break;
      case FRAME.credit:
        this.#streams.onCredit(cursor);
        break;
      case FRAME.cancel:
        this.#streams.onCancel(cursor);
        break;
      case FRAME.messages:
        this.#onMessages(cursor);
        break;
      default:
        throw new LinkProtocolError('a proxy sends no such frame');
    }
  }

  #onMessages(cursor: FrameCursor): void {
    const { peers } = this.#context;
    const from = this.#frames.peer?.identity;
    if (peers === undefined || from === undefined)
      throw new LinkProtocolError('only nodes of a cluster send messages');
    peers.receive(from.bootId, cursor);
  }

  /** Statistics are sent also while the node is full, because an operator wants them most then. */
  #open(frame: OpenFrame): void {
    const { enter, leave, linkLimits, onError } = this.#context;
    this.#streams.check(frame.id, linkLimits.maxCallsInFlight);
    if (frame.request.kind === 'stats') {
      this.#streams.open(frame).catch(onError);
      return;
    }
    const refusal = enter('scan', SENT_CHUNK_BYTES);
    if (refusal !== undefined) this.#streams.refuse(frame.id, refusal);
    else {
      const done = (): void => leave('scan', SENT_CHUNK_BYTES);
      this.#streams.open(frame).finally(done).catch(onError);
    }
  }

  #answer(answer: Answer): void {
    if (this.#frames.isClosed) return;
    this.#answers.push(answer);
    this.#answerBytes += bytesOf(answer);
    if (this.#answerBytes >= FULL_FRAME_BYTES) {
      this.#flush();
      return;
    }
    if (this.#willFlush || this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    endOfTurn(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  /** Writes the answers, and counts as unread also what streams have written. */
  #flush(): void {
    const { peer, isClosed } = this.#frames;
    const socket = this.#socket;
    if (peer === undefined || isClosed) return;
    if (this.#answers.length > 0) this.#writeAnswers(peer);
    this.#isFull = socket.writableLength > MAX_UNREAD_BYTES;
    // Otherwise there are few bytes, and the socket would emit no `drain` to end the count.
    if (socket.writableNeedDrain) this.#context.memory.unread.set(this, socket.writableLength);
    this.#throttle();
  }

  #writeAnswers({ maxFrameBytes }: LinkLimits): void {
    const socket = this.#socket;
    const answers = this.#answers;
    this.#answers = [];
    this.#answerBytes = 0;
    const frameBytes = Math.min(FULL_FRAME_BYTES, maxFrameBytes / MAX_BYTES_PER_UNIT);
    socket.cork();
    for (const frame of encodeAnswers(this.#frames.builder, answers, { frameBytes, maxFrameBytes }))
      socket.write(frame);
    socket.uncork();
  }

  /** Reads no further frames while too much is unread at the other end. */
  #throttle(): void {
    if (this.#frames.isClosed) return;
    if (this.#isFull) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }
}

/** @throws LinkProtocolError if the other end is a node that can't be a peer of this one */
function checkPeer(peer: Hello, own: PeerIdentity | undefined): void {
  if (peer.identity === undefined) return; // a proxy
  if (own === undefined) throw new LinkProtocolError('it is of a cluster, and this node is of none');
  checkCluster(peer, own.clusterId);
  if (peer.identity.bootId === own.bootId) throw new LinkProtocolError('a node reached itself');
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
const MAX_UNREAD_BYTES = 1024 * 1024;
/** A proxy that hears nothing sends pings, so a link that is silent for this long is dead. */
const IDLE_MS = 60_000;
