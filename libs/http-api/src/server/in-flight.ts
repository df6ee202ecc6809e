import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { KvsError } from '@kvs/protocol';
import type { HttpSettings } from '../http-settings.js';

/** The memory that an admitted request holds. */
export interface Admission {
  /** Bytes of its body that have come. */
  bytes: number;
}

/**
 * Counts the requests in flight, the bytes of their bodies and those of answers that clients have not read, refuses more than
 * the server is set to hold, and tells a shutdown when the last one is done.
 */
export class InFlight {
  #requests = 0;
  #bytes = 0;
  #unreadBytes = 0;
  #arrivals = 0;
  #draining = false;
  #onIdle: (() => void) | undefined;

  readonly #settings: Pick<HttpSettings, 'maxInFlightRequests' | 'maxInFlightBytes'>;

  constructor(settings: Pick<HttpSettings, 'maxInFlightRequests' | 'maxInFlightBytes'>) {
    this.#settings = settings;
  }

  /** Returns why the request can't be admitted. O(1). */
  refusal(request: IncomingMessage): KvsError | undefined {
    this.#arrivals++;
    if (isAlwaysAnswered(request)) return undefined;
    if (this.#draining) return new KvsError('shutting_down', 'the server is shutting down');
    if (this.#requests >= this.#settings.maxInFlightRequests) {
      return new KvsError('overloaded', `${this.#requests} requests are in flight`);
    }
    if (this.#unreadBytes > this.#settings.maxInFlightBytes) {
      return new KvsError('overloaded', `clients have not read ${this.#unreadBytes} bytes of answers`);
    }
    // Without a body, a request takes nothing of what is short.
    const announced = Number(request.headers['content-length'] ?? 0);
    return announced > 0 && this.#isFull(announced, 0) ? this.#full() : undefined;
  }

  /** Counts a request until its answer is done. */
  admit(response: ServerResponse): Admission {
    const admission: Admission = { bytes: 0 };
    if (this.#draining) response.setHeader('connection', 'close');
    this.#requests++;
    let unread = 0;
    // Each comes once; `on` costs less than `once`.
    response.on('prefinish', () => {
      unread = response.writableLength;
      this.#unreadBytes += unread;
    });
    response.on('close', () => {
      this.#requests--;
      this.#unreadBytes -= unread;
      this.#bytes -= admission.bytes;
      if (this.#requests === 0) this.#onIdle?.();
    });
    return admission;
  }

  /**
   * Counts bytes of a body as they arrive: bytes that are only announced take no memory.
   *
   * @returns why the server can't hold them
   */
  hold(admission: Admission, bytes: number): KvsError | undefined {
    if (this.#isFull(bytes, admission.bytes)) return this.#full();
    admission.bytes += bytes;
    this.#bytes += bytes;
    return undefined;
  }

  /** How many requests are in flight, how many bytes of bodies they hold, and how many of whole answers are unread. */
  get load(): { readonly requests: number; readonly bytes: number; readonly unreadBytes: number } {
    return { requests: this.#requests, bytes: this.#bytes, unreadBytes: this.#unreadBytes };
  }

  /** Refuses requests from now on; resolves when those under way are done. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#requests === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /**
   * Resolves when no request has come for so long. What clients had sent on kept-alive connections before they could
   * know of the shutdown is refused properly until then, rather than cut.
   */
  async quiet(ms: number): Promise<void> {
    for (let seen = -1; seen !== this.#arrivals; await setTimeout(ms)) seen = this.#arrivals;
  }

  /** A body larger than all that may be held is let through when it is alone: the limit on bodies will judge it. */
  #isFull(more: number, own: number): boolean {
    return this.#bytes > own && this.#bytes + more > this.#settings.maxInFlightBytes;
  }

  #full(): KvsError {
    return new KvsError('overloaded', `request bodies of ${this.#bytes} bytes are in flight`);
  }
}

/** What tells of a server's state is wanted most when it is full. */
const ALWAYS_ANSWERED: ReadonlySet<string> = new Set(['/health/live', '/metrics']);

/** Only without a body, which would be held beside what is counted. */
function isAlwaysAnswered({ url, headers }: IncomingMessage): boolean {
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  return ALWAYS_ANSWERED.has(url ?? '') && !hasBody;
}
