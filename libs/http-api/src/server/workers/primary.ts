import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../logger.js';
import { listen, origin, type ListenOptions } from '../listen.js';
import { onStopSignals } from '../stop-signals.js';
import { ConnectionDealer } from './connection-dealer.js';
import { WorkerPool } from './worker-pool.js';

export interface PrimaryOptions extends ListenOptions {
  readonly workers: number;
  /** How long a shutdown waits for requests, in milliseconds. */
  readonly shutdownTimeoutMs: number;
}

/**
 * Runs workers until SIGINT, SIGTERM or SIGHUP. This process holds the port and deals the connections to them; it reads
 * nothing of what comes over these. It listens only while a worker can serve: before that, and when all workers have ended,
 * connections are refused, as by a server of one process that is starting.
 *
 * @throws StartError
 */
export async function serveByWorkers(options: PrimaryOptions, logger: Logger): Promise<void> {
  const { host, workers, shutdownTimeoutMs } = options;
  const dealer = new ConnectionDealer<Socket>((socket) => void socket.destroy());
  const door = new Door(options, (socket) => dealer.deal(socket));
  const close = (): void => {
    door.close();
    dealer.close();
  };
  const open = async (): Promise<void> => {
    const port = await door.open();
    logger.info({ host, port, workers }, `listening on ${origin(host, port)}`);
  };
  const pool = new WorkerPool(workers, dealer, logger, {
    onAllEnded: () => {
      logger.error('no worker is left: connections are refused until one takes them');
      close();
    },
    onServingAgain: () => {
      open().catch((error: unknown) => {
        logger.fatal(error, 'cannot listen again');
        process.exit(1);
      });
    },
  });
  onStopSignals(logger, async (signal) => {
    logger.info(`${signal}: shutting down`);
    close();
    await pool.stop(signal, shutdownTimeoutMs + STUCK_MS);
    process.exit(0);
  });
  try {
    await pool.started;
    await open();
  } catch (error) {
    pool.kill();
    throw error;
  }
}

/** Where connections come in while it is open; always at the same port. */
class Door {
  #server: Server | undefined;
  #port: number;

  constructor(
    private readonly options: ListenOptions,
    private readonly take: (socket: Socket) => void,
  ) {
    this.#port = options.port;
  }

  /** @throws StartError */
  async open(): Promise<number> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.take(socket);
    });
    this.#server = server;
    this.#port = await listen(server, { ...this.options, port: this.#port });
    if (this.#server !== server) server.close(); // it was closed meanwhile
    return this.#port;
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }
}

/** How much longer than its own limit a worker may take to end: one that takes longer hears nothing any more. */
const STUCK_MS = 2_000;
