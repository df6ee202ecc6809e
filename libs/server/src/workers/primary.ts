import type { Socket } from 'node:net';
import type { Logger } from '../logs/logger.js';
import { origin, type ListenOptions } from '../lifecycle/listen.js';
import { onStopSignals } from '../lifecycle/stop-signals.js';
import { ConnectionDealer } from './connection-dealer.js';
import { PortListener } from './port-listener.js';
import { WorkerPool } from './worker-pool.js';

export interface PrimaryOptions extends ListenOptions {
  readonly workers: number;
  /** How long a shutdown waits for requests, in milliseconds. */
  readonly shutdownTimeoutMs: number;
}

/**
 * Runs workers until SIGINT, SIGTERM or SIGHUP. This process holds the port and assigns the connections to them; it reads
 * nothing of what comes over these. It listens only while a worker can serve: before that, and when all workers have ended,
 * connections are refused, as by a server of one process that is starting.
 *
 * @throws StartError
 */
export async function serveByWorkers(options: PrimaryOptions, logger: Logger): Promise<void> {
  const { host, workers, shutdownTimeoutMs } = options;
  const dealer = new ConnectionDealer<Socket>((socket) => void socket.destroy());
  const listener = new PortListener(options, (socket) => dealer.deal(socket));
  const close = (): void => {
    listener.close();
    dealer.close();
  };
  const open = async (): Promise<void> => {
    const port = await listener.open();
    if (port !== undefined) logger.info({ host, port, workers }, `listening on ${origin(host, port)}`);
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

/** How much longer than its own limit a worker may take to end: one that takes longer hears nothing any more. */
const STUCK_MS = 2_000;
