import type { Duplex } from 'node:stream';
import { TransportError } from '@kvs/router/transport';
import type { StreamRequest } from '../codec/streams.js';
import type { CancelTask } from '../ports.js';
import type { Call } from './calls-in-flight.js';
import { Coalescer } from './coalescer.js';
import { IncomingStream } from './incoming-stream.js';
import { LinkAttempt } from './link-attempt.js';
import { LinkConnection } from './link-connection.js';
import type { LinkOptions } from './link-options.js';

type State =
  /** Nothing waits for a connection. The next call or stream makes one. */
  | { readonly name: 'down' }
  | { readonly name: 'connecting'; readonly attempt: LinkAttempt }
  | { readonly name: 'open'; readonly connection: LinkConnection }
  | { readonly name: 'closed' };

/**
 * The one link to a node: sends calls over it, many to a frame. If the link is down, the next call opens it again and waits
 * for it. There is one attempt at a time; if it fails, everything that waits fails with it, so no call waits in vain while
 * the node is away, and a node that is back is used at once.
 */
export class LinkClient {
  readonly #coalescer: Coalescer<Call>;
  #state: State = DOWN;
  readonly #waitingStreams = new Set<IncomingStream>();
  /** Connections to a node that goes away, which still have calls or streams in flight. */
  readonly #leaving = new Set<LinkConnection>();
  #cancelDeadline: CancelTask | undefined;

  readonly #address: string;
  readonly #options: LinkOptions;

  /** Begins to open the link. */
  constructor(address: string, options: LinkOptions) {
    this.#address = address;
    this.#options = options;
    this.#coalescer = new Coalescer(
      options,
      (calls) => this.#connection?.send(calls) ?? 0,
      () => this.#connection?.calls.isIdle !== false,
    );
    this.#connect();
  }

  /** Sends a call as soon as possible. The call settles in any case. */
  submit(call: Call): void {
    const { timers, nodeTimeoutMs } = this.#options;
    if (this.#state.name === 'closed') return call.reject(closedError());
    if (this.#isFull(call)) {
      const message = `${this.#address}: too much is in flight to this node already`;
      return call.failItems({ ok: false, code: 'overloaded', message });
    }
    call.deadlineMs = timers.nowMs() + nodeTimeoutMs;
    this.#coalescer.add(call);
    this.#cancelDeadline ??= timers.after(nodeTimeoutMs, this.#onDeadline);
    if (this.#state === DOWN) this.#connect();
  }

  /** Asks the node for a stream. */
  open(request: StreamRequest): IncomingStream {
    const { timers, nodeTimeoutMs } = this.#options;
    const stream = new IncomingStream(request, timers, nodeTimeoutMs);
    const state = this.#state;
    if (state.name === 'closed') stream.fail(closedError());
    else if (state.name === 'open') state.connection.open(stream);
    else {
      this.#waitingStreams.add(stream);
      if (state === DOWN) this.#connect();
    }
    return stream;
  }

  /** Fails everything in flight. Further calls fail at once. */
  close(): void {
    const state = this.#state;
    if (state.name === 'closed') return;
    this.#state = { name: 'closed' };
    if (state.name === 'connecting') state.attempt.giveUp();
    this.#cancelDeadline?.();
    if (state.name === 'open') state.connection.close('the transport is closed');
    for (const connection of this.#leaving) connection.close('the transport is closed');
    this.#failWaiting(closedError());
  }

  #isFull(call: Call): boolean {
    const { maxPendingCalls, maxPendingBytes } = this.#options;
    const calls = this.#connection?.calls;
    if ((calls?.size ?? 0) + this.#coalescer.size >= maxPendingCalls) return true;
    const bytes = this.#coalescer.bytes + (calls?.bytes ?? 0);
    return bytes > 0 && bytes + call.weight > maxPendingBytes;
  }

  get #connection(): LinkConnection | undefined {
    return this.#state.name === 'open' ? this.#state.connection : undefined;
  }

  #connect(): void {
    const { timers, nodeTimeoutMs } = this.#options;
    const attempt: LinkAttempt = new LinkAttempt(this.#address, timers, nodeTimeoutMs, {
      begin: (socket) => this.#begin(socket, attempt),
      failed: (error) => this.#failed(error),
    });
    this.#state = { name: 'connecting', attempt };
  }

  #begin(socket: Duplex, attempt: LinkAttempt): LinkConnection {
    const isCurrent = (): boolean => this.#connection === connection;
    const connection: LinkConnection = new LinkConnection(this.#address, socket, this.#options, {
      opened: () => {
        if (attempt.succeed()) this.#opened(connection);
      },
      answered: () => {
        if (isCurrent()) this.#coalescer.answered();
      },
      writable: () => {
        if (isCurrent()) this.#coalescer.flush();
      },
      goingAway: () => {
        this.#leaving.add(connection);
        if (isCurrent()) this.#lost();
      },
      lost: (reason) => {
        this.#leaving.delete(connection);
        if (isCurrent()) this.#lost();
        else attempt.fail(new TransportError('unconnected', `the link broke (${reason})`));
      },
    });
    return connection;
  }

  #opened(connection: LinkConnection): void {
    this.#state = { name: 'open', connection };
    this.#options.foundNode();
    const streams = [...this.#waitingStreams];
    this.#waitingStreams.clear();
    for (const stream of streams) if (!stream.isClosed) connection.open(stream);
    this.#coalescer.flush();
  }

  /** An attempt to connect failed, so the calls and streams that wait for it fail too. */
  #failed(error: TransportError): void {
    this.#state = DOWN;
    if (error.failure === 'loop') this.#options.foundProxy();
    this.#failWaiting(error);
  }

  /** The open link is lost. If calls wait that were not sent, a new link is opened at once. */
  #lost(): void {
    this.#state = DOWN;
    if (this.#coalescer.size > 0) this.#connect();
  }

  #failWaiting(error: TransportError): void {
    for (const call of this.#coalescer.clear()) if (!call.settled) call.reject(error);
    const streams = [...this.#waitingStreams];
    this.#waitingStreams.clear();
    for (const stream of streams) stream.fail(error);
  }

  /** One timer serves all calls. It is set for the oldest call, which is usually answered before the timer fires. */
  readonly #onDeadline = (): void => {
    const { timers } = this.#options;
    const nowMs = timers.nowMs();
    this.#connection?.expire(nowMs);
    for (const connection of this.#leaving) connection.expire(nowMs);
    this.#expireWaiting(nowMs);
    const nextMs = this.#nextDeadlineMs();
    this.#cancelDeadline =
      nextMs === undefined ? undefined : timers.after(Math.max(1, nextMs - nowMs), this.#onDeadline);
  };

  #expireWaiting(nowMs: number): void {
    const { first } = this.#coalescer;
    if (first === undefined || first.deadlineMs > nowMs) return;
    const reason =
      this.#state.name === 'open'
        ? 'the node has been too busy to be sent more'
        : `no connection within ${this.#options.nodeTimeoutMs} ms`;
    const error = new TransportError('unconnected', reason);
    for (const call of this.#coalescer.removeWhile(({ deadlineMs }) => deadlineMs <= nowMs))
      call.reject(error);
  }

  #nextDeadlineMs(): number | undefined {
    const oldest = [this.#connection, ...this.#leaving].map((connection) => connection?.calls.oldest);
    const deadlines = [...oldest, this.#coalescer.first].flatMap((call) => call?.deadlineMs ?? []);
    return deadlines.length === 0 ? undefined : Math.min(...deadlines);
  }
}

const DOWN: State = { name: 'down' };

function closedError(): TransportError {
  return new TransportError('unconnected', 'the transport is closed');
}
