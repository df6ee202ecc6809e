import { TransportError } from '@kvs/router';
import type { Pool } from 'undici';
import { isWrite, keysOf, type Kind } from '../batch.js';
import { Coalescer } from '../coalesce/coalescer.js';
import { KeyOrder, type Ticket } from '../coalesce/key-order.js';
import type { Call, CallSink } from '../pending-call.js';
import type { Schedule, Timers } from '../ports.js';
import { mergedBatch, settleMerged } from './http-batches.js';
import { connectionPool, exchange } from './http-exchange.js';

export interface HttpOptions {
  /** How long a node may take to answer, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** Most connections for batches. */
  readonly nodeConnections: number;
  readonly timers: Timers;
  readonly schedule: Schedule;
  /** How long calls may gather while others of their kind are unanswered, in milliseconds. */
  readonly maxDelayMs: number;
  readonly maxPendingCalls: number;
  readonly maxPendingBytes: number;
  /** Most items in one batch that is put together of several calls. */
  readonly maxMergedItems: number;
  /** Most bytes of such a batch, by weight. */
  readonly maxMergedBytes: number;
}

/**
 * Calls to one node over HTTP. Those of one kind become one batch; batches run beside each other, except where they
 * concern the same key and one of them writes it.
 */
export class HttpClient implements CallSink {
  private readonly pool: Pool;
  private readonly order = new KeyOrder();
  private readonly coalescers: Readonly<Record<Kind, Coalescer<Call>>>;
  private readonly tickets = new Map<Call, Ticket>();
  private pendingBytes = 0;
  private closed = false;

  /** @param reached called when the node has answered something */
  constructor(
    private readonly address: string,
    private readonly options: HttpOptions,
    private readonly reached: () => void = () => undefined,
  ) {
    this.pool = connectionPool(address, options.nodeConnections);
    const limits = { maxGatheredCalls: options.maxMergedItems, maxGatheredBytes: options.maxMergedBytes };
    const coalescer = (): Coalescer<Call> =>
      new Coalescer({ ...options, ...limits }, (calls) => this.send(calls));
    this.coalescers = { set: coalescer(), fetch: coalescer(), query: coalescer(), delete: coalescer() };
  }

  submit(call: Call): void {
    const { maxPendingBytes, maxPendingCalls } = this.options;
    if (this.closed) return call.fail(new TransportError('unconnected', 'the transport is closed'));
    const heavy = this.pendingBytes > 0 && this.pendingBytes + call.weight > maxPendingBytes;
    if (heavy || this.tickets.size >= maxPendingCalls) {
      return call.fail(new TransportError('unconnected', 'too much is under way to this node already'));
    }
    this.pendingBytes += call.weight;
    const coalescer = this.coalescers[call.kind];
    this.tickets.set(
      call,
      this.order.enter(keysOf(call), isWrite(call.kind), () => coalescer.add(call)),
    );
  }

  /** Fails what is under way. */
  close(): void {
    this.closed = true;
    const unsent = Object.values(this.coalescers).flatMap((coalescer) => coalescer.clear());
    for (const call of unsent) call.fail(new TransportError('unconnected', 'the transport is closed'));
    void this.pool.destroy();
  }

  /** Takes as many from the front as go into one batch. */
  private send(calls: readonly Call[]): number {
    const { maxMergedBytes, maxMergedItems } = this.options;
    let taken = 0;
    let items = 0;
    let bytes = 0;
    for (const call of calls) {
      items += call.items.length;
      bytes += call.weight;
      if (taken > 0 && (items > maxMergedItems || bytes > maxMergedBytes)) break;
      taken++;
    }
    void this.run(calls.slice(0, taken));
    return taken;
  }

  private async run(calls: readonly Call[]): Promise<void> {
    await this.settle(calls);
    const [first] = calls;
    if (first !== undefined && !this.closed) this.coalescers[first.kind].answered();
  }

  /** Never rejects: what goes wrong, the callers are told. */
  private async settle(calls: readonly Call[]): Promise<void> {
    const { pool, address, options } = this;
    try {
      const { status, answer } = await exchange(pool, address, mergedBatch(calls), options.nodeTimeoutMs);
      this.reached();
      const isRefused = typeof answer !== 'string' && status >= 400 && status < 500;
      if (isRefused && calls.length > 1) {
        // Nothing was done. Whose fault that is shows when each is sent by itself.
        await Promise.all(calls.map((call) => this.settle([call])));
        return;
      }
      this.release(calls);
      settleMerged(calls, answer);
    } catch (error) {
      this.release(calls);
      const reason = error instanceof Error ? error : new TypeError('no error was thrown', { cause: error });
      for (const call of calls) if (!call.settled) call.fail(reason);
    }
  }

  /** Before the callers hear of the answer, so that there is room for what they do next. */
  private release(calls: readonly Call[]): void {
    for (const call of calls) {
      const ticket = this.tickets.get(call);
      if (ticket === undefined) continue;
      this.tickets.delete(call);
      this.pendingBytes -= call.weight;
      this.order.leave(ticket);
    }
  }
}
