import { setTimeout as delay } from 'node:timers/promises';
import { Budget } from '../admission/budget.js';
import type { ServerSettings } from '../command-line/settings.js';
import { exitAtStart } from '../command-line/start-error.js';
import { createLogger, type Logger } from '../logs/logger.js';
import type { ServerMetrics } from '../metrics/server-metrics.js';
import { serveByWorkers } from '../workers/primary.js';
import { serveAsWorker, workerNumber } from '../workers/worker.js';
import { originOf, type ListenOptions } from './listen.js';
import type { Listener } from './listener.js';
import { ignoreInspectorSignal, onStopSignals, stopOnce } from './stop-signals.js';

/** A server: its name, its ports and what serves at them. */
export interface ServeOptions {
  /** For the log and for messages on stderr, such as `kvs-proxy`. */
  readonly name: string;
  readonly settings: ServerSettings;
  /** Where the listener of each protocol listens, such as `{ http: { host: 'localhost', port: 8080 } }`. */
  readonly addresses: Readonly<Record<string, ListenOptions>>;
  /**
   * How many processes share the ports, 1 by default: then this process serves. With more, it runs its own script again so
   * many times, with the same arguments, and each of those processes serves.
   */
  readonly workers?: number;
  /** Makes the server that is to be started. Called once in each process that serves. */
  readonly open: (parts: ServerParts) => Promise<OpenServer>;
}

/** The parts of the process that `open` gives to a server. */
export interface ServerParts {
  readonly logger: Logger;
  /** The budget that the admissions of all listeners share. */
  readonly budget: Budget;
}

/** A server that can be started. */
export interface OpenServer {
  /** One listener for each of the `addresses`. */
  readonly listeners: readonly Listener[];
  readonly metrics: ServerMetrics;
  /**
   * Called once a listener accepts connections, with its protocol and with the port that it has. Not called in a worker, which
   * shares the port of its primary process. Default: nothing.
   */
  listening?(protocol: string, bound: ListenOptions): void;
  /**
   * Called when the server is to stop, while it still serves: for example to hand its work over to other processes. Must end by
   * itself. Default: nothing.
   */
  leave?(): Promise<void>;
  /** Closes what the server holds, once nothing is in flight. If it rejects, the exit code is 1. */
  close(): Promise<void>;
}

/**
 * Runs one server until SIGINT, SIGTERM or SIGHUP. Then it drains all listeners, for at most `shutdownTimeoutMs`, closes the
 * server and exits with 0. If the server can't start, it ends the process with one line on stderr; at the level `debug`, the log
 * has the stack.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { name, settings, workers = 1 } = options;
  const worker = workers > 1 ? workerNumber() : undefined;
  ignoreInspectorSignal();
  const logger = await createLogger(name, settings.logLevel, settings.logFormat, worker);
  try {
    if (workers > 1 && worker === undefined) {
      const { addresses } = options;
      const { shutdownTimeoutMs } = settings;
      await serveByWorkers({ addresses, workers, shutdownTimeoutMs }, logger);
    } else {
      await serveHere(options, worker, logger);
    }
  } catch (error) {
    logger.debug(error, 'cannot start');
    exitAtStart(name, error);
  }
}

async function serveHere(options: ServeOptions, worker: number | undefined, logger: Logger): Promise<void> {
  const { settings, addresses } = options;
  const budget = new Budget(settings);
  const server = await options.open({ logger, budget });
  const { listeners, metrics } = server;
  metrics.add(budget);
  const stop = stopOnce(logger, async () => {
    await server.leave?.();
    await drain(listeners, budget, settings.shutdownTimeoutMs, logger);
    await server.close();
    process.exit(0);
  });
  if (worker !== undefined) return serveAsWorker({ listeners, metrics, logger, stop });
  for (const listener of listeners) {
    const address = addresses[listener.protocol];
    if (address === undefined) throw new TypeError(`${listener.protocol} has no address`);
    const bound = { host: address.host, port: await listener.start(address) };
    logger.info(bound, `listening on ${originOf(listener.protocol, bound)}`);
    server.listening?.(listener.protocol, bound);
  }
  onStopSignals(stop);
}

/** Closes all ports, waits until nothing is in flight, and closes all connections. */
export async function drain(
  listeners: readonly Listener[],
  budget: Pick<Budget, 'drain' | 'quiet'>,
  timeoutMs: number,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  const closeAll = (): void => listeners.forEach((listener) => listener.close());
  const late = new AbortController();
  const drained = Promise.all([budget.drain(), ...listeners.map((listener) => listener.drain())]);
  const isLate = await Promise.race([
    drained.then(() => false),
    delay(timeoutMs, true, { signal: late.signal }),
  ]);
  late.abort();
  if (isLate) {
    logger.warn(`requests that are still in flight after ${timeoutMs} ms are cut`);
    closeAll();
  }
  await budget.quiet(QUIET_MS);
  closeAll();
}

/** How long a request that a client has sent may take to reach the server. */
const QUIET_MS = 100;
