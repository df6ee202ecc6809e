import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { TransportError } from '@kvs/router';
import { Coalescer } from '../coalesce/coalescer.js';
import { loopError } from '../loop.js';
import type { Call, CallSink } from '../pending-call.js';
import type { CancelTask } from '../ports.js';
import { LinkConnection } from './link-connection.js';
import type { LinkOptions } from './link-options.js';
import { upgradeToLink } from './upgrade-to-link.js';

/** What is to be done with calls that were never sent, because the link is down. */
export type ReturnUnsent = (calls: readonly Call[], error: TransportError) => void;

/** What whoever has another way to the node needs to know of this one. */
export interface LinkListener {
  /** From now on, calls are sent as soon as they are made. */
  opened(): void;
  /** The node wants no more calls over the link. These are still being answered. */
  left(calls: Iterable<Call>): void;
}

type State =
  | { readonly name: 'connecting'; readonly giveUp: () => void }
  | { readonly name: 'open' }
  /** Until the next attempt; `error` says why the last one came to nothing. */
  | { readonly name: 'waiting'; readonly cancel: CancelTask; readonly error: TransportError }
  | { readonly name: 'closed' };

/**
 * The one link to a node: opens it, opens it again after it broke, and sends calls over it, many to a frame. Calls wait
 * only while a connection is being made, or while the node has as much to do as it takes.
 */
export class LinkClient implements CallSink {
  readonly #coalescer: Coalescer<Call>;
  #state: State;
  #connection: LinkConnection | undefined;
  readonly #leaving = new Set<LinkConnection>();
  #failures = 0;
  #attemptedMs = 0;
  #waitingBytes = 0;
  #cancelDeadline: CancelTask | undefined;
  /** Whether there is reason to think that nobody is there, so that to ask again costs nobody anything. */
  #isAway = false;
  /** Whether the wait was cut short since the link was last known to work. */
  #hurried = false;
  /** Whether the node speaks HTTP and said that it has no such link. It is asked again all the same, but seldom. */
  #refused = false;

  readonly #address: string;
  readonly #options: LinkOptions;
  readonly #returnUnsent: ReturnUnsent;
  readonly #listener: LinkListener | undefined;

  constructor(
    address: string,
    options: LinkOptions,
    returnUnsent: ReturnUnsent = failUnsent,
    listener?: LinkListener,
  ) {
    this.#address = address;
    this.#options = options;
    this.#returnUnsent = returnUnsent;
    this.#listener = listener;

    this.#coalescer = new Coalescer({ ...options, ...gatherLimits(options) }, (calls) => this.#send(calls));
    this.#state = this.#connect();
  }

  get isOpen(): boolean {
    return this.#state.name === 'open';
  }

  submit(call: Call): void {
    const options = this.#options;
    const coalescer = this.#coalescer;
    const inFlight = this.#connection?.size ?? 0;
    if (inFlight + coalescer.size >= options.maxPendingCalls || this.#isHeavy(call)) {
      call.fail(new TransportError('unconnected', 'too much is in flight to this node already'));
      return;
    }
    const state = this.#state;
    if (state.name === 'closed') return this.#returnUnsent([call], closedError());
    if (state.name === 'waiting' && !this.hurry()) return this.#returnUnsent([call], state.error);
    call.deadlineMs = options.timers.nowMs() + options.nodeTimeoutMs;
    this.#waitingBytes += call.weight;
    coalescer.add(call);
    this.#cancelDeadline ??= options.timers.after(options.nodeTimeoutMs, this.#onDeadline);
  }

  /**
   * Tries to open the link now rather than later: there is a reason to think that the node is back. While the node takes
   * connections and then breaks them, that is done once; the wait is there to spare it.
   *
   * @returns whether the link is open or being opened
   */
  hurry(): boolean {
    const state = this.#state;
    if (state.name !== 'waiting') return state.name !== 'closed';
    const sinceMs = this.#options.timers.nowMs() - this.#attemptedMs;
    if (this.#refused || sinceMs < this.#options.minReconnectMs) return false;
    if (this.#hurried && !this.#isAway) return false;
    this.#hurried = true;
    state.cancel();
    this.#state = this.#connect();
    return true;
  }

  /** Fails the calls in flight. Further calls fail at once. */
  close(): void {
    const state = this.#state;
    if (state.name === 'closed') return;
    this.#state = { name: 'closed' };
    if (state.name === 'connecting') state.giveUp();
    if (state.name === 'waiting') state.cancel();
    this.#cancelDeadline?.();
    for (const connection of [this.#connection, ...this.#leaving]) connection?.end('the transport is closed');
    failUnsent(this.#takeBack(), closedError());
  }

  #isHeavy(call: Call): boolean {
    const bytes = this.#waitingBytes + (this.#connection?.bytes ?? 0);
    return bytes > 0 && bytes + call.weight > this.#options.maxPendingBytes;
  }

  #connect(): State {
    const { timers, nodeTimeoutMs, connect } = this.#options;
    this.#attemptedMs = timers.nowMs();
    const cancelTimeout = timers.after(nodeTimeoutMs, () => {
      giveUp();
      if (this.#connection === undefined) this.#down(`no connection within ${nodeTimeoutMs} ms`);
      else this.#connection.end(`no hello within ${nodeTimeoutMs} ms`);
    });
    const abandon = upgradeToLink(this.#address, connect, {
      upgraded: (socket, head) => this.#begin(socket, head, cancelTimeout),
      notOffered: (status) => {
        cancelTimeout();
        this.#refused = true;
        this.#down(`the node offers no link (${status})`);
      },
      looped: () => {
        cancelTimeout();
        this.#refused = true;
        this.#options.foundProxy();
        this.#down(loopError());
      },
      failed: (error) => {
        cancelTimeout();
        this.#refused = false;
        this.#isAway = 'code' in error && AWAY.has(error.code);
        this.#down(`no connection (${'code' in error ? String(error.code) : error.message})`);
      },
    });
    const giveUp = (): void => {
      cancelTimeout();
      abandon();
    };
    return { name: 'connecting', giveUp };
  }

  #begin(socket: Duplex, head: Buffer, cancelTimeout: CancelTask): void {
    const connection = new LinkConnection(this.#address, socket, this.#options, {
      opened: () => {
        cancelTimeout();
        this.#refused = false;
        this.#isAway = false;
        this.#state = { name: 'open' };
        this.#listener?.opened();
        this.#coalescer.flush();
      },
      proven: () => {
        this.#failures = 0;
        this.#hurried = false;
      },
      answered: () => {
        if (this.#connection === connection) this.#coalescer.answered();
      },
      writable: () => {
        if (this.#connection === connection) this.#coalescer.flush();
      },
      leaving: () => {
        this.#leaving.add(connection);
        this.#connection = undefined;
        this.#listener?.left(connection.calls);
        this.#down('the node is shutting down');
      },
      lost: (reason) => {
        cancelTimeout();
        if (this.#leaving.delete(connection) || this.#connection !== connection) return;
        this.#connection = undefined;
        this.#down(`the link broke (${reason})`);
      },
    });
    this.#connection = connection;
    connection.begin(head);
  }

  /** The link is not there: what waits for it goes back, and it is tried again later. */
  #down(reason: string | TransportError): void {
    if (this.#state.name === 'closed') return;
    const error = typeof reason === 'string' ? new TransportError('unconnected', reason) : reason;
    const delayMs = this.#refused ? this.#options.maxReconnectMs : this.#backoffMs();
    this.#failures++;
    const cancel = this.#options.timers.after(delayMs, () => {
      this.#state = this.#connect();
    });
    this.#state = { name: 'waiting', cancel, error };
    const unsent = this.#takeBack();
    if (unsent.length > 0) this.#returnUnsent(unsent, error);
  }

  /** Twice as long each time, and by chance up to half as long again or less: so that proxies don't come all at once. */
  #backoffMs(): number {
    const { minReconnectMs, maxReconnectMs, random } = this.#options;
    const longestMs = Math.min(maxReconnectMs, minReconnectMs * 2 ** this.#failures);
    return longestMs * (0.5 + random() / 2);
  }

  #takeBack(): Call[] {
    this.#waitingBytes = 0;
    return this.#coalescer.clear().filter(({ settled }) => !settled);
  }

  #send(calls: readonly Call[]): number {
    const taken = this.#connection?.send(calls) ?? 0;
    for (let i = 0; i < taken; i++) this.#waitingBytes -= calls[i]?.weight ?? 0;
    return taken;
  }

  /** One timer for all calls: it is set for the oldest, which by then has mostly been answered. */
  readonly #onDeadline = (): void => {
    const { timers } = this.#options;
    const nowMs = timers.nowMs();
    this.#connection?.expire(nowMs);
    for (const connection of this.#leaving) connection.expire(nowMs);
    this.#expireWaiting(nowMs);
    const next = this.#nextDeadlineMs();
    this.#cancelDeadline =
      next === undefined ? undefined : timers.after(Math.max(1, next - nowMs), this.#onDeadline);
  };

  #expireWaiting(nowMs: number): void {
    const { first } = this.#coalescer;
    if (first === undefined || first.deadlineMs > nowMs) return;
    const reason = this.isOpen
      ? 'the node has been too busy to be sent more'
      : `no connection within ${this.#options.nodeTimeoutMs} ms`;
    const error = new TransportError('unconnected', reason);
    const overdue = this.#coalescer.removeWhile(({ deadlineMs }) => deadlineMs <= nowMs);
    for (const call of overdue) {
      this.#waitingBytes -= call.weight;
      call.fail(error);
    }
  }

  #nextDeadlineMs(): number | undefined {
    const deadlines = [this.#connection, ...this.#leaving].map(
      (connection) => connection?.oldest?.deadlineMs,
    );
    const all = [...deadlines, this.#coalescer.first?.deadlineMs].filter(
      (deadline) => deadline !== undefined,
    );
    return all.length === 0 ? undefined : Math.min(...all);
  }
}

/** What it is called when nobody accepts a connection. */
const AWAY: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

function gatherLimits({ limits, frameBytes }: LinkOptions) {
  return {
    maxGatheredBytes: Math.min(frameBytes, GATHERED_BYTES),
    maxGatheredCalls: limits.maxCallsInFlight,
  };
}

/** A frame's own cost is little beside that of so many bytes, for both ends. */
const GATHERED_BYTES = 16 * 1024;

function closedError(): TransportError {
  return new TransportError('unconnected', 'the transport is closed');
}

function failUnsent(calls: readonly Call[], error: TransportError): void {
  for (const call of calls) call.fail(error);
}
