import { originOf, type ListenOptions } from '../lifecycle/listen.js';
import { onStopSignals, stopOnce } from '../lifecycle/stop-signals.js';
import type { Logger } from '../logs/logger.js';
import { ConnectionBalancer } from './connection-balancer.js';
import { ServerPort } from './server-port.js';
import { WorkerPool } from './worker-pool.js';
import type { AcceptedConnection } from './worker-process.js';

export interface PrimaryOptions {
  /** Where the listener of each protocol listens. */
  readonly addresses: Readonly<Record<string, ListenOptions>>;
  readonly workers: number;
  /** How long a shutdown waits for requests in flight, in milliseconds. */
  readonly shutdownTimeoutMs: number;
}

/**
 * Runs workers until SIGINT, SIGTERM or SIGHUP. This primary process holds the ports and assigns the connections to the workers;
 * it reads nothing from the connections. It listens only while a worker can serve. Before that, and when all workers have ended,
 * connections are refused, as by a single process that is starting.
 *
 * @throws StartError
 */
export async function serveByWorkers(options: PrimaryOptions, logger: Logger): Promise<void> {
  const { addresses, workers, shutdownTimeoutMs } = options;
  const balancer = new ConnectionBalancer<AcceptedConnection>(({ socket }) => void socket.destroy());
  const ports = Object.entries(addresses).map(([protocol, address]) => ({
    protocol,
    host: address.host,
    serverPort: new ServerPort(protocol, address, (socket) => balancer.assign({ protocol, socket })),
  }));
  let closings = 0;
  const close = (): void => {
    closings++;
    for (const { serverPort } of ports) serverPort.close();
    balancer.close();
  };
  const open = async (): Promise<void> => {
    const before = closings;
    for (const { protocol, host, serverPort } of ports) {
      const port = await serverPort.open();
      if (port !== undefined)
        logger.info({ host, port, workers }, `listening on ${originOf(protocol, { host, port })}`);
      // The server stops, or all workers have ended. Then a later call opens the other ports.
      if (closings > before) return;
    }
  };
  const pool = new WorkerPool(workers, balancer, logger, {
    onAllEnded: () => {
      logger.error('no worker is left: connections are refused until a worker accepts them');
      close();
    },
    onServingAgain: () => {
      open().catch((error: unknown) => {
        logger.fatal(error, 'cannot listen again');
        process.exit(1);
      });
    },
  });
  const stop = async (reason: string): Promise<never> => {
    close();
    await pool.stop(reason, shutdownTimeoutMs + STUCK_MS);
    process.exit(0);
  };
  onStopSignals(stopOnce(logger, stop));
  try {
    await pool.started;
    await open();
  } catch (error) {
    pool.kill();
    throw error;
  }
}

/** How much longer than its own limit a worker may take to end. A worker that takes longer doesn't react any more. */
const STUCK_MS = 2_000;
