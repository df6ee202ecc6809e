import type { IncomingMessage, ServerResponse } from 'node:http';
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
  private draining = false;
  private onIdle: (() => void) | undefined;

  constructor(
    private readonly settings: Pick<ServerSettings, 'limits' | 'maxInFlightRequests' | 'maxInFlightBytes'>,
  ) {}

  /** Express middleware; the first, so that a refused request costs next to nothing. */
  readonly middleware = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const bytes = this.bytesToHold(request);
    const refusal = request.url === '/health/live' ? undefined : this.refusal(bytes);
    if (refusal) {
      // The body is not read, so the connection can't be used again.
      response.setHeader('connection', 'close');
      sendProblem(response, refusal);
      return;
    }
    if (this.draining) response.setHeader('connection', 'close');
    this.track(bytes, response);
    next();
  };

  /** Refuses requests from now on; resolves when those under way are done. */
  drain(): Promise<void> {
    this.draining = true;
    if (this.requests === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.onIdle = resolve;
    });
  }

  private refusal(bytes: number): KvsError | undefined {
    if (this.draining) return new KvsError('shutting_down', 'the server is shutting down');
    if (this.requests >= this.settings.maxInFlightRequests) {
      return new KvsError('overloaded', `${this.requests} requests are under way`);
    }
    // Without a body, a request takes nothing of what is short. A body larger than all of it is let through alone.
    if (bytes > 0 && this.bytes > 0 && this.bytes + bytes > this.settings.maxInFlightBytes) {
      return new KvsError('overloaded', `request bodies of ${this.bytes} bytes are under way`);
    }
    return undefined;
  }

  /** Of a body beyond the limit nothing is kept, so that announcing one doesn't make the server look full. */
  private bytesToHold(request: IncomingMessage): number {
    const bytes = declaredBytes(request);
    return bytes > this.settings.limits.maxBodyBytes ? 0 : bytes;
  }

  private track(bytes: number, response: ServerResponse): void {
    this.requests++;
    this.bytes += bytes;
    response.once('close', () => {
      this.requests--;
      this.bytes -= bytes;
      if (this.requests === 0) this.onIdle?.();
    });
  }
}

/** What is assumed of a chunked body, which does not tell its length. */
const ASSUMED_CHUNKED_BYTES = 64 * 1024;

function declaredBytes({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return ASSUMED_CHUNKED_BYTES;
  return Number(headers['content-length'] ?? 0);
}
