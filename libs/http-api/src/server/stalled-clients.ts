import { KvsError } from '@kvs/protocol';
import { resetConnection, sendProgress } from '@kvs/server';
import type { HttpSettings } from '../http-settings.js';
import { refuse } from './closing.js';
import type { Connection } from './request-order.js';

export type ProgressLimits = Pick<
  HttpSettings,
  'headersTimeoutMs' | 'bodyTimeoutMs' | 'minBodyRate' | 'answerTimeoutMs'
>;

const MAX_INTERVAL_MS = 1000;

/**
 * Ends requests whose clients make no progress: it answers 408 to a body that does not arrive, and resets the connection of a
 * client that does not read its answer. It never closes the connection of a client that waits for the server.
 *
 * One timer checks all connections. Time is counted in intervals of that timer rather than read from a clock, because no
 * client can show progress while the event loop is blocked.
 */
export class StalledClients {
  readonly #watches = new Set<Watch>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;

  readonly #limits: ProgressLimits;

  constructor(limits: ProgressLimits) {
    this.#limits = limits;

    const { headersTimeoutMs, bodyTimeoutMs, answerTimeoutMs } = limits;
    const shortest = Math.min(headersTimeoutMs, bodyTimeoutMs, answerTimeoutMs);
    this.#intervalMs = Math.min(MAX_INTERVAL_MS, shortest / 4);
  }

  watch(connection: Connection): void {
    const watch = new Watch(connection);
    this.#watches.add(watch);
    this.#timer ??= setInterval(() => this.#checkAll(), this.#intervalMs).unref();
    connection.socket.once('close', () => {
      this.#watches.delete(watch);
      if (this.#watches.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
  }

  #checkAll(): void {
    for (const watch of this.#watches) watch.check(this.#intervalMs, this.#limits);
  }
}

/** The progress that a client has made with its current request, up to the last check. */
class Watch {
  #response: Connection['current'];
  #bytes = 0;
  /** How long the client may still send no byte of the body. */
  #leftMs = 0;
  #idleMs = 0;
  /** How long the server has read while late headers were excused. */
  #headersMs = 0;

  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  check(elapsedMs: number, limits: ProgressLimits): void {
    this.#checkHeaders(elapsedMs, limits);
    const { current, socket } = this.#connection;
    if (current === undefined) return;
    if (current !== this.#response) {
      this.#response = current;
      this.#bytes = socket.bytesRead;
      this.#leftMs = limits.bodyTimeoutMs;
      this.#idleMs = 0;
      return;
    }
    if (!current.headersSent && !current.req.complete) {
      // Bytes earn time, but only up to `bodyTimeoutMs`: otherwise a burst would earn hours of silence.
      const earnedMs = (this.#progress(socket.bytesRead) / limits.minBodyRate) * 1000;
      this.#leftMs = Math.min(this.#leftMs - elapsedMs + earnedMs, limits.bodyTimeoutMs);
      if (this.#leftMs <= 0)
        refuse(current, new KvsError('request_timeout', 'the body did not come in time'));
    } else if (socket.writableLength > 0) {
      this.#idleMs = this.#progress(sendProgress(socket)) === 0 ? this.#idleMs + elapsedMs : 0;
      if (this.#idleMs >= limits.answerTimeoutMs) resetConnection(socket);
    } else {
      this.#idleMs = 0;
    }
  }

  #checkHeaders(elapsedMs: number, { headersTimeoutMs }: ProgressLimits): void {
    const { onLateHeaders, socket } = this.#connection;
    if (onLateHeaders === undefined || socket.isPaused()) {
      this.#headersMs = 0;
      return;
    }
    this.#headersMs += elapsedMs;
    if (this.#headersMs >= headersTimeoutMs) onLateHeaders();
  }

  /** Returns how many bytes were received or sent since the last check. */
  #progress(bytes: number): number {
    const more = bytes - this.#bytes;
    this.#bytes = bytes;
    return more;
  }
}
