import { createServer, type Socket } from 'node:net';
import type { Logger } from '../logger.js';
import { listenOrExit, origin, type ListenOptions } from '../listen.js';
import { onStopSignals } from '../stop-signals.js';
import { ConnectionDealer } from './connection-dealer.js';
import { WorkerPool, WorkerStartError } from './worker-pool.js';

export interface PrimaryOptions extends ListenOptions {
  readonly workers: number;
  /** How long a shutdown waits for requests, in milliseconds. */
  readonly shutdownTimeoutMs: number;
}

/**
 * Runs workers until SIGINT or SIGTERM. This process holds the port, from before the first worker to after the last, and
 * deals the connections to them; it reads nothing of what comes over these.
 */
export async function serveByWorkers(options: PrimaryOptions, logger: Logger): Promise<void> {
  const { host, workers, shutdownTimeoutMs } = options;
  const dealer = new ConnectionDealer<Socket>((socket) => void socket.destroy());
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    dealer.deal(socket);
  });
  const port = await listenOrExit(server, options);
  const pool = new WorkerPool(workers, dealer, logger);
  onStopSignals(logger, async (signal) => {
    logger.info(`${signal}: shutting down`);
    server.close();
    dealer.close();
    await pool.stop(signal, shutdownTimeoutMs + STUCK_MS);
    process.exit(0);
  });
  try {
    await pool.started;
  } catch (error) {
    if (!(error instanceof WorkerStartError)) throw error;
    process.stderr.write(`${options.name}: ${error.message}\n`);
    pool.kill();
    process.exit(1);
  }
  logger.info({ host, port, workers }, `listening on ${origin(host, port)}`);
}

/** How much longer than its own limit a worker may take to end: one that takes longer hears nothing any more. */
const STUCK_MS = 2_000;
