import { Socket } from 'node:net';
import type { Listener } from '../lifecycle/listener.js';
import { onStopSignals } from '../lifecycle/stop-signals.js';
import type { Logger } from '../logs/logger.js';
import type { ServerMetrics } from '../metrics/server-metrics.js';
import { isToWorker, type ToPrimary } from './messages.js';
import { WORKER_VARIABLE } from './worker-process.js';

/** Returns the number of the worker that this process is; undefined if it is none. */
export function workerNumber(): number | undefined {
  // The variable alone makes no worker: it may be left over from another process, and then there is no channel.
  if (process.send === undefined) return undefined;
  const number = Number(process.env[WORKER_VARIABLE]);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

export interface WorkerParts {
  readonly listeners: readonly Listener[];
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  /** Finishes what is in flight and ends the process. Further calls change nothing. */
  readonly stop: (reason: string) => void;
}

/** Serves the connections that the primary process sends, until that process says so or ends. */
export function serveAsWorker({ listeners, metrics, logger, stop }: WorkerParts): void {
  // The primary process handles signals and tells the workers. A terminal's Ctrl-C reaches all of them.
  onStopSignals(() => undefined);
  const pages = new Pages();
  metrics.usePageOf(() => pages.ask());
  const onDisconnect = (): void => {
    pages.close();
    stop('the primary process has ended');
  };
  if (!process.connected) return onDisconnect();
  process.on('disconnect', onDisconnect);
  process.on('message', (message: unknown, handle: unknown) => {
    if (!isToWorker(message)) return;
    switch (message.type) {
      case 'connection':
        if (handle instanceof Socket) accept(listeners, message.protocol, handle);
        return send({ type: 'accepted', id: message.id });
      case 'metrics':
        sendMetrics(metrics, message.id).catch((error: unknown) => {
          logger.error(error, 'cannot report the metrics');
        });
        return;
      case 'page':
        return pages.answer(message.id, message.page);
      case 'stop':
        return stop(message.reason);
    }
  });
  send({ type: 'ready' });
}

function accept(listeners: readonly Listener[], protocol: string, socket: Socket): void {
  const listener = listeners.find((each) => each.protocol === protocol);
  if (listener) listener.accept(socket);
  else socket.destroy();
}

async function sendMetrics(metrics: ServerMetrics, id: number): Promise<void> {
  send({ type: 'metrics', id, families: await metrics.collect() });
}

/** The requests that wait for the metrics page of all processes. */
class Pages {
  readonly #waiting = new Map<number, (page: string | null) => void>();
  #lastId = 0;

  async ask(): Promise<string> {
    const id = ++this.#lastId;
    const page = await new Promise<string | null>((resolve) => {
      if (!process.connected) return resolve(null);
      this.#waiting.set(id, resolve);
      send({ type: 'page', id });
    });
    if (page === null) throw new Error('the metrics of the workers cannot be merged');
    return page;
  }

  /** Rejects all requests, because nobody will answer them. */
  close(): void {
    for (const id of [...this.#waiting.keys()]) this.answer(id, null);
  }

  answer(id: number, page: string | null): void {
    this.#waiting.get(id)?.(page);
    this.#waiting.delete(id);
  }
}

/** Drops a message that can't be sent, because the primary process has ended then. */
function send(message: ToPrimary): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
