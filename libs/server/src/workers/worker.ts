import type { Server } from 'node:http';
import { Socket } from 'node:net';
import type { ServerMetrics } from '../metrics/server-metrics.js';
import type { Logger } from '../logs/logger.js';
import { exitAfterFailure, STOP_SIGNALS } from '../lifecycle/stop-signals.js';
import { readToWorker, type ToPrimary } from './messages.js';
import { WORKER_VARIABLE } from './worker-process.js';

/** Which worker this process is; nothing if it is none. */
export function workerNumber(): number | undefined {
  // A variable left over from elsewhere makes no worker of a process that nobody can speak to.
  if (process.send === undefined) return undefined;
  const number = Number(process.env[WORKER_VARIABLE]);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}

export interface WorkerParts {
  readonly server: Server;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  /** Finishes what is under way and ends the process. Called more than once, it goes on as it is. */
  readonly stop: (reason: string) => void;
}

/** Stops once, whoever asks for it: the first process by a message, or by being gone. */
export function stopWorker(logger: Logger, stop: () => Promise<void>): (reason: string) => void {
  let stopping = false;
  return (reason) => {
    if (stopping) return;
    stopping = true;
    logger.info(`${reason}: shutting down`);
    stop().catch((error: unknown) => exitAfterFailure(logger, error));
  };
}

/** Serves the connections that the first process sends, until that one says so or is gone. */
export function serveAsWorker({ server, metrics, logger, stop }: WorkerParts): void {
  // Signals are for the first process, which tells the workers. A terminal's Ctrl-C reaches all of them.
  for (const signal of STOP_SIGNALS) process.on(signal, () => undefined);
  const pages = new Pages();
  metrics.takePageFrom(() => pages.ask());
  const orphaned = (): void => {
    pages.close();
    stop('the first process is gone');
  };
  if (!process.connected) return orphaned();
  process.on('disconnect', orphaned);
  process.on('message', (given: unknown, handle: unknown) => {
    const message = readToWorker(given);
    switch (message?.type) {
      case 'connection':
        if (handle instanceof Socket) takeOver(server, handle);
        return tell({ type: 'taken', id: message.id });
      case 'metrics':
        tellMetrics(metrics, message.id).catch((error: unknown) => {
          logger.error(error, 'the metrics can not be told');
        });
        return;
      case 'page':
        return pages.answer(message.id, message.page);
      case 'stop':
        return stop(message.reason);
    }
  });
  // A server that does not listen by itself has to be told to watch over its connections: timeouts, closing all.
  server.emit('listening');
  tell({ type: 'ready' });
}

function takeOver(server: Server, socket: Socket): void {
  // As a connection has it that an HTTP server accepts itself.
  socket.allowHalfOpen = true;
  server.emit('connection', socket);
}

async function tellMetrics(metrics: ServerMetrics, id: number): Promise<void> {
  tell({ type: 'metrics', id, families: await metrics.collect() });
}

/** The requests for the page of all processes that wait for it. */
class Pages {
  readonly #waiting = new Map<number, (page: string | null) => void>();
  #lastId = 0;

  async ask(): Promise<string> {
    const id = ++this.#lastId;
    const page = await new Promise<string | null>((resolve) => {
      if (!process.connected) return resolve(null);
      this.#waiting.set(id, resolve);
      tell({ type: 'page', id });
    });
    if (page === null) throw new Error('the metrics of the workers can not be put together');
    return page;
  }

  /** Nobody answers any more. */
  close(): void {
    for (const id of [...this.#waiting.keys()]) this.answer(id, null);
  }

  answer(id: number, page: string | null): void {
    this.#waiting.get(id)?.(page);
    this.#waiting.delete(id);
  }
}

/** What can't be sent any more is for nobody: the first process is gone. */
function tell(message: ToPrimary): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
