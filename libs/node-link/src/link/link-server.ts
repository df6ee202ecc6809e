import type { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Limits } from '@kvs/protocol';
import { LINK_PATH, LINK_TOKEN } from '../codec/frame.js';
import { largestFrameBytes } from '../codec/hello.js';
import type { PeerReceiver } from '../codec/peer-messages.js';
import type { Refusal } from '../codec/refusal.js';
import { seldom, systemTimers, type Timers } from '../ports.js';
import type { LinkContext, LinkOperation } from './call-runner.js';
import { HeldBytes } from './held-bytes.js';
import type { NodeOperations } from './node-operations.js';
import { ServerLink, type LinkMemory } from './server-link.js';

/**
 * The budget from which a node admits the calls of all its links. Listeners of other protocols can share it. Each method is
 * called for every call, so it must take constant time.
 */
export interface CallAdmission {
  /**
   * Counts a call as in flight, unless there is no room for it.
   *
   * @param bytes the weight of the call: its text and something for each item
   * @returns the refusal; undefined if the call is admitted, and then `leave` is called once with the same bytes
   */
  enter(bytes: number): Refusal | undefined;
  /** Counts an admitted call as done. */
  leave(bytes: number): void;
  /**
   * Counts the bytes of answers that links hold because proxies have not read them.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addUnread(bytes: number): void;
  /**
   * Counts the bytes that links hold of incomplete frames, and of calls that have not started.
   *
   * @param bytes by how much they grew; negative if they shrank
   */
  addIncomplete(bytes: number): void;
}

export interface LinkServerOptions {
  /** Limits of items, batches and answers, as over HTTP. */
  readonly limits: Limits;
  /** Most calls in flight over one link. The hello says so. Over all links, a quarter of them may be scans. */
  readonly maxInFlightRequests: number;
  /**
   * Most bytes of calls in flight over one link. Over all links, the same limit holds for incomplete frames and calls that have not
   * started, and for unread answers. Beyond it, the node closes the link that has held such bytes for the longest. A link starts no
   * fetch while the values of its unfinished fetches could have more bytes.
   */
  readonly maxInFlightBytes: number;
  /** Admits calls and scans. */
  readonly admission: CallAdmission;
  /** Takes the messages of other nodes. Without it, links of nodes are closed. */
  readonly peers?: PeerReceiver;
  /** Called with the reason when a proxy or a node broke a rule and its link was closed, at most once a minute. */
  readonly onBreach?: (message: string) => void;
  /** Called with an error that is a defect: a call or a stream failed with it. */
  readonly onError: (error: unknown) => void;
  /** Default: those of the system. */
  readonly timers?: Timers;
}

export interface LinkCounts {
  /** Calls and streams that were begun, by operation. */
  readonly calls: Readonly<Record<LinkOperation, number>>;
  /** Those that were refused before they began: invalid ones, and those beyond the limits. */
  readonly refused: number;
}

/** The node's end of links: runs the calls and sends the streams that proxies ask for. */
export class LinkServer {
  /** The path at which a link is asked for. */
  readonly path = LINK_PATH;
  /** The value of `Upgrade` in a request for a link: its name and version. */
  readonly protocol = LINK_TOKEN;
  readonly #links = new Set<ServerLink>();
  readonly #context: LinkContext;
  readonly #begun: Record<LinkOperation, number> = { set: 0, fetch: 0, query: 0, delete: 0, scan: 0 };
  #refused = 0;
  #inFlight = 0;
  #scansInFlight = 0;
  #isDraining = false;
  readonly #timers: Timers;
  readonly #memory: LinkMemory;
  readonly #onBreach: (message: string) => void;
  #closed = false;
  #draining: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  readonly #operations: NodeOperations;
  readonly #options: LinkServerOptions;

  constructor(operations: NodeOperations, options: LinkServerOptions) {
    this.#operations = operations;
    this.#options = options;

    const { limits, maxInFlightRequests, maxInFlightBytes, admission } = options;
    this.#timers = options.timers ?? systemTimers;
    this.#onBreach = seldom(this.#timers, options.onBreach ?? (() => undefined));
    const forPeers = options.peers === undefined ? 0 : PEER_FRAME_BYTES;
    const maxFrameBytes = Math.max(MIN_FRAME_BYTES, largestFrameBytes(limits)) + forPeers;
    // Hexadecimal values have two digits per byte.
    const largestAnswerBytes = 2 * limits.maxAnswerBytes;
    const maxBytesInFlight = Math.min(maxInFlightBytes, MAX_BYTES_IN_FLIGHT);
    this.#memory = {
      incomplete: new HeldBytes(
        maxInFlightBytes,
        // The hello allows calls of so many bytes, or one call that fills a frame. Another frame may be incomplete.
        Math.max(maxBytesInFlight, maxFrameBytes) + maxFrameBytes,
        'incomplete frames and waiting calls took too much memory',
        (bytes) => admission.addIncomplete(bytes),
      ),
      unread: new HeldBytes(
        maxInFlightBytes,
        Math.max(maxInFlightBytes, largestAnswerBytes) + MAX_OTHER_ANSWER_BYTES,
        'unread answers took too much memory',
        (bytes) => admission.addUnread(bytes),
      ),
    };
    this.#context = {
      limits,
      linkLimits: {
        maxFrameBytes,
        maxCallsInFlight: Math.min(maxInFlightRequests, MAX_CALLS_IN_FLIGHT),
        maxBytesInFlight,
      },
      maxFetchBytes: maxInFlightBytes,
      onError: options.onError,
      enter: (operation, bytes) => this.#enter(operation, bytes),
      leave: (operation, bytes) => this.#leave(operation, bytes),
      countRefusal: () => void this.#refused++,
    };
  }

  /** How many links are open. */
  get size(): number {
    return this.#links.size;
  }

  /** Counters over all links since the start. */
  get counts(): LinkCounts {
    return { calls: { ...this.#begun }, refused: this.#refused };
  }

  /** Makes a link of a connection on which a request for one came. `head` is what came after the request. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#isDraining) {
      // The client may be gone by now. An error without a listener would end this process.
      socket.on('error', () => socket.destroy());
      socket.end(UNAVAILABLE, () => socket.destroy());
      return;
    }
    socket.unshift(head);
    const peer = request.socket.remoteAddress ?? 'an unknown address';
    const link = new ServerLink(this.#operations, socket, {
      ...this.#context,
      memory: this.#memory,
      peers: this.#options.peers,
      timers: this.#timers,
      foundNode: (bootId) => {
        // A lost link of the node may still have unread messages, which must not come after those of the new link.
        for (const other of this.#links) if (other !== link && other.bootId === bootId) other.close();
      },
      closed: (breach) => {
        this.#links.delete(link);
        if (breach !== undefined) this.#onBreach(`the link from ${peer} was closed: ${breach}`);
        this.#noticeIdle();
      },
    });
    this.#links.add(link);
  }

  /** Refuses calls from now on. Resolves when the calls in flight are answered and the links have ended. */
  drain(): Promise<void> {
    return (this.#draining ??= this.#finish());
  }

  /** Cuts every link without waiting for calls in flight. A `drain` that waits for them resolves. */
  close(): void {
    this.#closed = true;
    this.#isDraining = true;
    this.#noticeIdle();
    for (const link of this.#links) link.close();
  }

  #enter(operation: LinkOperation, bytes: number): Refusal | undefined {
    const refusal = this.#refusal(operation) ?? this.#options.admission.enter(bytes);
    if (refusal !== undefined) {
      this.#refused++;
      return refusal;
    }
    this.#begun[operation]++;
    this.#inFlight++;
    if (operation === 'scan') this.#scansInFlight++;
    return undefined;
  }

  /** A scan can wait for its reader for any time, so scans may not take all requests of the node. */
  #refusal(operation: LinkOperation): Refusal | undefined {
    if (this.#isDraining) return SHUTTING_DOWN;
    const isFull = this.#scansInFlight >= Math.ceil(this.#options.maxInFlightRequests / 4);
    return operation === 'scan' && isFull ? TOO_MANY_SCANS : undefined;
  }

  #leave(operation: LinkOperation, bytes: number): void {
    this.#options.admission.leave(bytes);
    this.#inFlight--;
    if (operation === 'scan') this.#scansInFlight--;
    if (this.#inFlight === 0) this.#noticeIdle();
  }

  async #finish(): Promise<void> {
    this.#isDraining = true;
    for (const link of this.#links) link.goAway();
    await this.#idle(() => this.#closed || this.#inFlight === 0);
    const cancel = this.#timers.after(GO_AWAY_MS, () => this.#end());
    await this.#idle(() => this.#links.size === 0);
    cancel();
  }

  #end(): void {
    for (const link of this.#links) link.end();
  }

  async #idle(isIdle: () => boolean): Promise<void> {
    while (!isIdle()) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
  }

  #noticeIdle(): void {
    this.#whenIdle?.();
  }
}

const MIN_FRAME_BYTES = 1024 * 1024;
/** A message of a node may stand behind others in its frame. */
const PEER_FRAME_BYTES = 1024 * 1024;
const MAX_CALLS_IN_FLIGHT = 4096;
const MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024;
/** A link can have so many unread bytes when a fetch starts, and what an answer has beside its values. */
const MAX_OTHER_ANSWER_BYTES = 2 * 1024 * 1024;
/** How long proxies have at shutdown to end their links by themselves. */
const GO_AWAY_MS = 100;
const SHUTTING_DOWN: Refusal = { code: 'shutting_down', message: 'the server is shutting down' };
const TOO_MANY_SCANS: Refusal = { code: 'overloaded', message: 'too many scans are in flight over links' };
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
