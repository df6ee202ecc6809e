import { exitAtStart } from '../command-line/start-error.js';
import { createLogger, type Logger } from '../logs/logger.js';
import { serveAsWorker, workerNumber } from '../workers/worker.js';
import { announce, openServer, startListeners, type StartOptions } from './start-server.js';
import { ignoreInspectorSignal, onStopSignals, stopOnce } from './stop-signals.js';

/** A server: its name, its ports and what serves at them. `open` is called once in each process that serves. */
export interface ServeOptions extends StartOptions {
  /**
   * How many processes share the ports, 1 by default: then this process serves. With more, it runs its own script again so
   * many times, with the same arguments, and each of those processes serves.
   */
  readonly workers?: number;
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
      const { serveByWorkers } = await import('../workers/primary.js');
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
  const { server, stop: finish } = await openServer(options, logger);
  const stop = stopOnce(logger, async () => {
    await finish();
    process.exit(0);
  });
  const { listeners, metrics } = server;
  if (worker !== undefined) return serveAsWorker({ listeners, metrics, logger, stop });
  const bound = await startListeners(server, options.addresses);
  onStopSignals(stop);
  announce(server, bound, logger);
}
