import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { codeOf, ERROR_CODES, messageOf, PROXY_VIA } from '@kvs/protocol';
import { TransportError } from '@kvs/router/transport';
import { LINK_PATH, LINK_TOKEN } from '../codec/frame.js';
import type { CancelTask, Timers } from '../ports.js';

export interface AttemptListener {
  /**
   * The connection has become a link. Returns this end of it, which calls `succeed` when the other end has said hello, or
   * `fail` if it is closed before.
   */
  begin(socket: Duplex): { close(reason: string): void };
  /** @param isRefusal whether the address speaks HTTP and offers no link of this version */
  failed(error: TransportError, isRefusal: boolean): void;
}

/**
 * One attempt to open a link, from the connection to the hello. It asks a node, at the port where the node serves HTTP, to turn
 * the connection into a link. The attempt succeeds, fails or is given up, once.
 */
export class LinkAttempt {
  #isOver = false;
  #abandon: () => void = () => undefined;
  readonly #cancelTimeout: CancelTask;
  readonly #listener: AttemptListener;

  /** @param timeoutMs how long the other end may take to say hello */
  constructor(address: string, timers: Timers, timeoutMs: number, listener: AttemptListener) {
    this.#listener = listener;
    this.#cancelTimeout = timers.after(timeoutMs, () => {
      this.fail(new TransportError('unconnected', `no connection within ${timeoutMs} ms`));
      this.#abandon();
    });
    let asking: ClientRequest;
    try {
      asking = askForLink(address);
    } catch (error) {
      // The caller does not have the attempt yet.
      queueMicrotask(() => this.fail(unconnected(messageOf(error))));
      return;
    }
    this.#abandon = () => asking.destroy();
    asking.on('upgrade', (response, socket, head) => {
      socket.unshift(head);
      this.#onUpgrade(response, socket);
    });
    asking.on('response', (response) => {
      this.#onRefusal(response);
      asking.destroy();
    });
    asking.on('error', (error) => {
      this.fail(unconnected(codeOf(error) ?? error.message));
    });
    asking.end();
  }

  /** @returns whether the attempt was not over before */
  succeed(): boolean {
    return this.#end();
  }

  fail(error: TransportError, isRefusal = false): void {
    if (this.#end()) this.#listener.failed(error, isRefusal);
  }

  /** Ends the attempt. The listener hears nothing more. */
  giveUp(): void {
    if (this.#end()) this.#abandon();
  }

  #onUpgrade(response: IncomingMessage, socket: Duplex): void {
    const isLink = response.headers.upgrade?.toLowerCase() === LINK_TOKEN;
    if (!isLink || this.#isOver) {
      socket.destroy();
      this.#onRefusal(response);
      return;
    }
    const link = this.#listener.begin(socket);
    this.#abandon = () => link.close('no hello came');
  }

  #onRefusal({ statusCode = 0, headers }: IncomingMessage): void {
    if (statusCode === LOOP_STATUS)
      this.fail(new TransportError('loop', 'it is a proxy, not a storage node'), true);
    else if (statusCode >= 500)
      // A node that is overloaded or shutting down may offer the link later.
      this.fail(unconnected(`answered ${statusCode}`));
    else {
      const isNode = headers.upgrade?.toLowerCase().startsWith(LINK_NAME) === true;
      this.fail(new TransportError('unconnected', isNode ? OTHER_VERSION : NO_NODE), true);
    }
  }

  #end(): boolean {
    const isFirst = !this.#isOver;
    this.#isOver = true;
    this.#cancelTimeout();
    return isFirst;
  }
}

function unconnected(reason: string): TransportError {
  return new TransportError('unconnected', `no connection (${reason})`);
}

/** @throws TypeError if the address is none */
function askForLink(address: string): ClientRequest {
  return request(`http://${address}${LINK_PATH}`, {
    // The link keeps the connection.
    agent: false,
    headers: { connection: 'Upgrade', upgrade: LINK_TOKEN, via: PROXY_VIA },
  });
}

/** The status with which a proxy answers every request of a proxy. */
const LOOP_STATUS = ERROR_CODES.loop_detected.status;

/** The token without the version. A node that offers no link of this version says which one it offers. */
const LINK_NAME = LINK_TOKEN.slice(0, LINK_TOKEN.indexOf('/') + 1);
const OTHER_VERSION = `it is a storage node of another version, without ${LINK_TOKEN}`;
const NO_NODE = 'it is not a storage node';
