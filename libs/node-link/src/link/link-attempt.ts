import type { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { TransportError } from '@kvs/router/transport';
import type { CancelTask, Timers } from '../ports.js';
import { upgradeToLink, type Connect } from './upgrade-to-link.js';

export interface AttemptListener {
  /**
   * The connection has become a link. Returns this end of it, which calls `succeed` when the other end has said hello, or
   * `fail` if it is closed before.
   */
  begin(socket: Duplex): { begin(head: Buffer): void; close(reason: string): void };
  /** The address speaks HTTP and offers no link of this version. The listener calls `fail`, at once or later. */
  refused(status: number): void;
  failed(error: TransportError): void;
}

/** One attempt to open a link, from the connection to the hello. It succeeds, fails or is given up, once. */
export class LinkAttempt {
  #isOver = false;
  #abandon: () => void;
  readonly #cancelTimeout: CancelTask;
  readonly #listener: AttemptListener;

  /** @param timeoutMs how long the other end may take to say hello */
  constructor(
    address: string,
    connect: Connect,
    timers: Timers,
    timeoutMs: number,
    listener: AttemptListener,
  ) {
    this.#listener = listener;
    this.#cancelTimeout = timers.after(timeoutMs, () => {
      this.fail(new TransportError('unconnected', `no connection within ${timeoutMs} ms`));
      this.#abandon();
    });
    this.#abandon = upgradeToLink(address, connect, {
      upgraded: (socket, head) => {
        const link = listener.begin(socket);
        this.#abandon = () => link.close('no hello came');
        link.begin(head);
      },
      refused: (status) => listener.refused(status),
      failed: (error) => {
        const reason = 'code' in error ? String(error.code) : error.message;
        this.fail(new TransportError('unconnected', `no connection (${reason})`));
      },
    });
  }

  /** @returns whether the attempt was not over before */
  succeed(): boolean {
    return this.#end();
  }

  fail(error: TransportError): void {
    if (this.#end()) this.#listener.failed(error);
  }

  /** Ends the attempt. The listener hears nothing more. */
  giveUp(): void {
    if (this.#end()) this.#abandon();
  }

  #end(): boolean {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    this.#cancelTimeout();
    return isFirst;
  }
}
