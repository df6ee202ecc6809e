import { Buffer } from 'node:buffer';
import { TransportError } from '@kvs/router';
import type { Pool } from 'undici';
import { isWrite, keysOf, type Kind } from '../batch.js';
import { Coalescer } from '../coalesce/coalescer.js';
import { KeyOrder, type Ticket } from '../coalesce/key-order.js';
import type { Call, CallSink } from '../pending-call.js';
import type { CancelTask, Schedule } from '../ports.js';
import { connectionPool, type ConnectionOptions } from './connection-pool.js';
import { HttpAttempt } from './http-attempt.js';
import { mergedBatch, settleMerged } from './http-batches.js';
import { exchange } from './http-exchange.js';
import { AnswerSizes } from './answer-sizes.js';

/** How batches travel over HTTP. `nodeTimeoutMs` is also how long a node may take to answer. */
export interface HttpOptions extends ConnectionOptions {
  /** Most connections for batches. */
  readonly nodeConnections: number;
  readonly schedule: Schedule;
  /** How long calls may gather while others of their kind are unanswered, in milliseconds. */
  readonly maxDelayMs: number;
  readonly maxPendingCalls: number;
  readonly maxPendingBytes: number;
  readonly foundProxy: () => void;
  /** Most items in one batch that is put together of several calls. */
  readonly maxMergedItems: number;
  /** Longest body of an answer. */
  readonly maxBodyBytes: number;
  /** Most bytes of such a batch; for fetches, with what recent ones brought. */
  readonly maxMergedBytes: number;
}

/** A call that has not ended: its place in the order of its keys, and the request that it is part of, once it is. */
interface Underway {
  /** Not there yet only while it is entered, when it may already be sent, but not end. */
  ticket: Ticket | undefined;
  sending: Sending | undefined;
}

/** Calls that are sent together. */
interface Sending {
  readonly calls: readonly Call[];
  readonly attempt: HttpAttempt;
}

/**
 * Calls to one node over HTTP. Those of one kind become one batch; batches run beside each other, except where they
 * concern the same key and one of them writes it.
 */
export class HttpClient implements CallSink {
  readonly #pool: Pool;
  readonly #order = new KeyOrder();
  readonly #coalescers: Readonly<Record<Kind, Coalescer<Call>>>;
  readonly #underway = new Map<Call, Underway>();
  /** Whose turn in the order of keys is over; see {@link leave}. */
  readonly #leavers: Ticket[] = [];
  readonly #fetched = new AnswerSizes();
  #pendingBytes = 0;
  #nextDeadlineMs = Infinity;
  #cancelDeadline: CancelTask | undefined;
  #closed = false;

  readonly #address: string;
  readonly #options: HttpOptions;
  readonly #reached: () => void;

  /** @param reached called when the node has answered something, and is not in trouble */
  constructor(address: string, options: HttpOptions, reached: () => void = () => undefined) {
    this.#address = address;
    this.#options = options;
    this.#reached = reached;

    const { nodeConnections: connections, maxBodyBytes } = options;
    this.#pool = connectionPool(address, options, { connections, maxBodyBytes });
    const limits = { maxGatheredCalls: options.maxMergedItems, maxGatheredBytes: options.maxMergedBytes };
    const coalescer = (kind: Kind): Coalescer<Call> =>
      new Coalescer({ ...options, ...limits }, (calls) => this.#send(kind, calls));
    this.#coalescers = {
      set: coalescer('set'),
      fetch: coalescer('fetch'),
      query: coalescer('query'),
      delete: coalescer('delete'),
    };
  }

  submit(call: Call): void {
    const { maxPendingBytes, maxPendingCalls, nodeTimeoutMs, timers } = this.#options;
    if (this.#closed) return call.fail(new TransportError('unconnected', 'the transport is closed'));
    const heavy = this.#pendingBytes > 0 && this.#pendingBytes + call.weight > maxPendingBytes;
    if (heavy || this.#underway.size >= maxPendingCalls) {
      return call.fail(new TransportError('unconnected', 'too much is in flight to this node already'));
    }
    // One that comes from the link has waited already.
    if (call.deadlineMs === 0) call.deadlineMs = timers.nowMs() + nodeTimeoutMs;
    if (call.deadlineMs < this.#nextDeadlineMs) this.#wakeAt(call.deadlineMs);
    this.#pendingBytes += call.weight;
    const underway: Underway = { ticket: undefined, sending: undefined };
    this.#underway.set(call, underway);
    underway.ticket = this.#order.enter(keysOf(call), isWrite(call.kind), () => this.#enqueue(call));
  }

  /** What is under way, the oldest first. */
  get calls(): Iterable<Call> {
    return this.#underway.keys();
  }

  /** Fails what is under way. */
  close(): void {
    this.#closed = true;
    this.#cancelDeadline?.();
    for (const coalescer of Object.values(this.#coalescers)) coalescer.clear();
    const error = new TransportError('unconnected', 'the transport is closed');
    for (const [call, { sending }] of this.#underway) {
      if (sending === undefined && !call.settled) call.fail(error);
    }
    this.#underway.clear();
    void this.#pool.destroy();
  }

  /** Nothing is in the way of a call any more. */
  #enqueue(call: Call): void {
    if (this.#closed) return;
    if (call.settled) this.#release([call]);
    else this.#coalescers[call.kind].add(call);
  }

  /** Takes as many from the front as go into one batch. */
  #send(kind: Kind, calls: readonly Call[]): number {
    const { maxMergedBytes, maxMergedItems } = this.#options;
    let taken = 0;
    let items = 0;
    let bytes = 0;
    for (const call of calls) {
      items += call.items.length;
      bytes += call.weight;
      if (kind === 'fetch') bytes += this.#fetched.expected(call);
      if (taken > 0 && (items > maxMergedItems || bytes > maxMergedBytes)) break;
      taken++;
    }
    void this.#run(kind, calls.slice(0, taken));
    return taken;
  }

  async #run(kind: Kind, calls: readonly Call[]): Promise<void> {
    await this.#settle(calls);
    if (!this.#closed) this.#coalescers[kind].answered();
  }

  /** Never rejects: what goes wrong, the callers are told. */
  async #settle(given: readonly Call[]): Promise<void> {
    this.#release(given.filter(({ settled }) => settled));
    const calls = given.filter(({ settled }) => !settled);
    if (calls.length === 0) return;
    const batch = mergedBatch(calls);
    const isMerged = calls.length > 1;
    if (isMerged && Buffer.byteLength(batch.body) > this.#options.maxMergedBytes) {
      const middle = calls.length >> 1;
      await Promise.all([calls.slice(0, middle), calls.slice(middle)].map((half) => this.#settle(half)));
      return;
    }
    const attempt = new HttpAttempt(this.#pool);
    const sending = { calls, attempt };
    for (const call of calls) {
      const underway = this.#underway.get(call);
      if (underway) underway.sending = sending;
    }
    try {
      const { answer, status, isRefused, units } = await exchange(attempt, this.#address, batch);
      if (status < 500) this.#reached();
      if (calls[0]?.kind === 'fetch') this.#fetched.note(calls, units);
      if (isRefused && isMerged) {
        // Nothing was done. Whose fault that is shows when each is sent by itself.
        await Promise.all(calls.map((call) => this.#settle([call])));
        return;
      }
      this.#release(calls);
      settleMerged(calls, answer);
    } catch (error) {
      await this.#failed(sending, error);
    }
  }

  async #failed({ calls, attempt }: Sending, error: unknown): Promise<void> {
    // The time of some was up before there was a connection; that of the others is not.
    if (attempt.isGivenUp && !attempt.isSent) return this.#settle(calls);
    this.#release(calls);
    const reason = attempt.failure(error, this.#options.nodeTimeoutMs);
    if (reason instanceof TransportError && reason.failure === 'loop') this.#options.foundProxy();
    for (const call of calls) if (!call.settled) call.fail(reason);
  }

  /** Before the callers hear of the answer, so that there is room for what they do next. */
  #release(calls: readonly Call[]): void {
    for (const call of calls) {
      const underway = this.#underway.get(call);
      if (underway === undefined) continue;
      this.#underway.delete(call);
      this.#pendingBytes -= call.weight;
      if (underway.ticket !== undefined) this.#leave(underway.ticket);
    }
  }

  /** Those whose way this clears may have nothing to do any more, and leave as well: in a loop, for they may be many. */
  #leave(ticket: Ticket): void {
    this.#leavers.push(ticket);
    if (this.#leavers.length > 1) return;
    for (let next: Ticket | undefined = ticket; next !== undefined; next = this.#leavers[0]) {
      this.#order.leave(next);
      this.#leavers.shift();
    }
  }

  /** One timer for all calls: it is set for the oldest, which by then has mostly been answered. */
  readonly #onDeadline = (): void => {
    const nowMs = this.#options.timers.nowMs();
    let nextMs = Infinity;
    for (const [call, { sending }] of this.#underway) {
      if (call.settled) continue;
      if (call.deadlineMs <= nowMs) this.#expire(call, sending);
      else nextMs = Math.min(nextMs, call.deadlineMs);
    }
    this.#wakeAt(nextMs);
  };

  #wakeAt(deadlineMs: number): void {
    const { timers } = this.#options;
    this.#cancelDeadline?.();
    this.#nextDeadlineMs = deadlineMs;
    this.#cancelDeadline =
      deadlineMs === Infinity
        ? undefined
        : timers.after(Math.max(1, deadlineMs - timers.nowMs()), this.#onDeadline);
  }

  /** Tells the caller. The call keeps its place, so that others on its keys still wait for what is under way there. */
  #expire(call: Call, sending: Sending | undefined): void {
    const { nodeTimeoutMs } = this.#options;
    if (sending === undefined) {
      const reason = `calls before it were not answered within ${nodeTimeoutMs} ms`;
      return call.fail(new TransportError('unconnected', reason));
    }
    const { attempt, calls } = sending;
    const isOver = !attempt.isSent || calls.every((other) => other === call || other.settled);
    if (isOver) attempt.giveUp();
    const [failure, what] = attempt.isSent
      ? (['timeout', 'answer'] as const)
      : (['unconnected', 'connection'] as const);
    call.fail(new TransportError(failure, `no ${what} within ${nodeTimeoutMs} ms`));
  }
}
