import type { Socket } from 'node:net';
import { isRecord, KvsError } from '@kvs/protocol';
import type { ServerSettings } from '../settings.js';
import { refuse } from './closing.js';
import type { Connection } from './request-order.js';

export type ProgressLimits = Pick<ServerSettings, 'bodyTimeoutMs' | 'minBodyRate' | 'answerTimeoutMs'>;

const MAX_INTERVAL_MS = 1000;

/**
 * Ends requests whose clients don't go on with them: a body that does not come is answered 408, and a client that does not
 * read its answer loses its connection. A client that waits for the server is never cut.
 *
 * One timer looks at all connections. Time is counted in its intervals rather than taken from a clock: while the process is
 * held up, no client can show progress.
 */
export class StalledClients {
  readonly #watches = new Set<Watch>();
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly limits: ProgressLimits) {
    const { bodyTimeoutMs, answerTimeoutMs } = limits;
    this.#intervalMs = Math.min(MAX_INTERVAL_MS, bodyTimeoutMs / 4, answerTimeoutMs / 4);
  }

  watch(connection: Connection): void {
    const watch = new Watch(connection);
    this.#watches.add(watch);
    this.#timer ??= setInterval(() => this.#look(), this.#intervalMs).unref();
    connection.socket.once('close', () => {
      this.#watches.delete(watch);
      if (this.#watches.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    });
  }

  #look(): void {
    for (const watch of this.#watches) watch.look(this.#intervalMs, this.limits);
  }
}

/** What a client did for the request that is being handled, up to the last look. */
class Watch {
  #response: Connection['current'];
  #bytesBefore = 0;
  #bodyMs = 0;
  #bytes = 0;
  #idleMs = 0;

  constructor(private readonly connection: Connection) {}

  look(elapsedMs: number, limits: ProgressLimits): void {
    const { current, socket } = this.connection;
    if (current === undefined) return;
    if (current !== this.#response) {
      this.#response = current;
      this.#bytesBefore = socket.bytesRead;
      this.#bodyMs = 0;
      this.#idleMs = 0;
      return;
    }
    if (!current.headersSent && !current.req.complete) {
      this.#bodyMs += elapsedMs;
      this.#note(socket.bytesRead - this.#bytesBefore, elapsedMs);
      const allowedMs = limits.bodyTimeoutMs + (this.#bytes / limits.minBodyRate) * 1000;
      if (this.#idleMs >= limits.bodyTimeoutMs || this.#bodyMs > allowedMs) {
        refuse(current, new KvsError('request_timeout', 'the body did not come in time'));
      }
    } else if (socket.writableLength > 0) {
      this.#note(sendProgress(socket), elapsedMs);
      if (this.#idleMs >= limits.answerTimeoutMs) socket.resetAndDestroy();
    } else {
      this.#idleMs = 0;
    }
  }

  #note(bytes: number, elapsedMs: number): void {
    this.#idleMs = bytes === this.#bytes ? this.#idleMs + elapsedMs : 0;
    this.#bytes = bytes;
  }
}

/** A number that changes when the kernel takes bytes. Node's public counts change only when it has taken a whole write. */
export function sendProgress(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  const waiting = isRecord(handle) ? handle['writeQueueSize'] : undefined;
  return socket.bytesWritten - (typeof waiting === 'number' ? waiting : 0);
}
