import type { Logger } from './logger.js';

/**
 * Stops on the first SIGINT or SIGTERM; further ones change nothing, for a terminal's Ctrl-C and a parent's own signal may
 * both arrive.
 */
export function onStopSignals(logger: Logger, stop: (signal: NodeJS.Signals) => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, (received) => {
      if (stopping) return;
      stopping = true;
      stop(received).catch((error: unknown) => {
        logger.fatal(error, 'shutdown failed');
        process.exit(1);
      });
    });
  }
}
