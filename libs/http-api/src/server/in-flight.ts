import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { KvsError } from '@kvs/protocol';
import { sendProblem } from '@kvs/protocol/nest';
import type { ServerSettings } from '../settings.js';

/**
 * Knows which requests are under way: refuses more than the server is set to hold, and tells a shutdown when the
 * last one is done.
 */
export class InFlight {
  private requests = 0;
  private bytes = 0;
  private arrivals = 0;
  private draining = false;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly settings: Pick<ServerSettings, 'limits' | 'maxInFlightRequests' | 'maxInFlightBytes'>,
  ) {}

  /** Whether the request may go on. One that may not is answered here, and costs next to nothing. */
  admit(request: IncomingMessage, response: ServerResponse): boolean {
    this.arrivals++;
    const declared = this.bytesToHold(Number(request.headers['content-length'] ?? 0));
    const refusal = isAlwaysAnswered(request) ? undefined : this.refusal(declared);
    if (refusal) {
      refuse(response, refusal);
      return false;
    }
    if (this.draining) response.setHeader('connection', 'close');
    this.hold(declared, response);
    return true;
  }

  /**
   * A chunked body does not tell its length. It is broken off when it grows to more than there is room for.
   * To be called in the turn of the event loop in which reading begins, so that nothing is missed.
   */
  countAsItComes(request: IncomingMessage, response: ServerResponse): void {
    let held = 0;
    response.once('close', () => (this.bytes -= held));
    const count = ({ length }: Uint8Array): void => {
      if (held + length > this.settings.limits.maxBodyBytes || response.closed) return;
      if (this.isFull(length, held)) {
        request.off('data', count);
        if (!response.headersSent) refuse(response, this.full());
        response.once('finish', () => request.destroy());
        return;
      }
      held += length;
      this.bytes += length;
    };
    request.on('data', count);
  }

  /** How many requests are under way, and how many bytes of bodies they hold. */
  get load(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.requests, bytes: this.bytes };
  }

  /** Refuses requests from now on; resolves when those under way are done. */
  drain(): Promise<void> {
    this.draining = true;
    if (this.requests === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onIdle = resolve;
    });
  }

  /**
   * Resolves when no request has come for so long. What clients had sent on kept-alive connections before they could
   * know of the shutdown is refused properly until then, rather than cut.
   */
  async quiet(ms: number): Promise<void> {
    for (let seen = -1; seen !== this.arrivals; await setTimeout(ms)) seen = this.arrivals;
  }

  private refusal(bytes: number): KvsError | undefined {
    if (this.draining) return new KvsError('shutting_down', 'the server is shutting down');
    if (this.requests >= this.settings.maxInFlightRequests) {
      return new KvsError('overloaded', `${this.requests} requests are under way`);
    }
    // Without a body, a request takes nothing of what is short.
    return bytes > 0 && this.isFull(bytes, 0) ? this.full() : undefined;
  }

  /** A body larger than all that may be held is let through when it is alone: the limit on bodies will judge it. */
  private isFull(more: number, own: number): boolean {
    return this.bytes > own && this.bytes + more > this.settings.maxInFlightBytes;
  }

  private full(): KvsError {
    return new KvsError('overloaded', `request bodies of ${this.bytes} bytes are under way`);
  }

  /** Of a body beyond the limit nothing is kept, so that announcing one doesn't make the server look full. */
  private bytesToHold(bytes: number): number {
    return bytes > this.settings.limits.maxBodyBytes ? 0 : bytes;
  }

  private hold(bytes: number, response: ServerResponse): void {
    this.requests++;
    this.bytes += bytes;
    // It closes once; `on` costs less than `once`.
    response.on('close', () => {
      this.requests--;
      this.bytes -= bytes;
      if (this.requests === 0) this.onIdle?.();
    });
  }
}

/** What tells of a server's state is wanted most when it is full. */
const ALWAYS_ANSWERED: ReadonlySet<string> = new Set(['/health/live', '/metrics']);

/** Answers a request whose body is not read, so that its connection can't be used again. */
export function refuse(response: ServerResponse, reason: KvsError): void {
  response.setHeader('connection', 'close');
  sendProblem(response, reason);
}

/** Only without a body, which would be held beside what is counted. */
function isAlwaysAnswered({ url, headers }: IncomingMessage): boolean {
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  return ALWAYS_ANSWERED.has(url ?? '') && !hasBody;
}
