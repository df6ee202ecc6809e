import { TransportError } from '@kvs/router';
import { isWrite, keysOf } from './batch.js';
import { KeyOrder } from './coalesce/key-order.js';
import { HttpClient, type HttpOptions } from './http/http-client.js';
import { LinkClient } from './link/link-client.js';
import type { LinkOptions } from './link/link-options.js';
import type { Call, CallSink } from './pending-call.js';

/**
 * The link as long as it is open, and HTTP otherwise: so a node that has no link can be used, and one that is back is
 * used at once. An answer over HTTP is the sign to open the link again.
 */
export class LinkOrHttp implements CallSink {
  readonly #link: LinkClient;
  readonly #http: HttpClient;
  /** Calls that are still under way by the way that was left, and what has to wait for those. Mostly empty. */
  readonly #order = new KeyOrder();
  readonly #held = new Set<Call>();

  readonly #options: LinkOptions;

  constructor(address: string, options: LinkOptions, http: HttpOptions) {
    this.#options = options;

    this.#http = new HttpClient(address, http, () => void this.#link.hurry());
    this.#link = new LinkClient(
      address,
      options,
      (unsent) => {
        for (const call of unsent) this.submit(call);
      },
      { opened: () => this.#waitFor(this.#http.calls), left: (calls) => this.#waitFor(calls) },
    );
  }

  submit(call: Call): void {
    if (this.#order.isEmpty) this.#pass(call);
    else this.#hold(call);
  }

  close(): void {
    const error = new TransportError('unconnected', 'the transport is closed');
    for (const call of this.#held) call.fail(error);
    this.#held.clear();
    this.#link.close();
    this.#http.close();
  }

  #pass(call: Call): void {
    if (this.#link.isOpen) this.#link.submit(call);
    else this.#http.submit(call);
  }

  /** Each way keeps the order of what concerns one key, but not with the other way: for that, calls wait here. */
  #waitFor(calls: Iterable<Call>): void {
    for (const call of calls) {
      if (call.settled || call.whenSettled !== undefined) continue;
      const ticket = this.#order.enter(keysOf(call), isWrite(call.kind), () => undefined);
      call.whenSettled = () => this.#order.leave(ticket);
    }
  }

  /** Until those are settled that went another way before it, which their deadlines see to. */
  #hold(call: Call): void {
    if (this.#held.size >= this.#options.maxPendingCalls) {
      return call.fail(new TransportError('unconnected', 'too much is in flight to this node already'));
    }
    this.#held.add(call);
    const ticket = this.#order.enter(keysOf(call), isWrite(call.kind), () => {
      if (!this.#held.delete(call)) return; // it was closed
      this.#pass(call);
      // The ticket may not have been handed out yet.
      queueMicrotask(() => this.#order.leave(ticket));
    });
  }
}
