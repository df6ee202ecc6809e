import { isNativeError } from 'node:util/types';
import type { Logger } from '../logs/logger.js';

/** Ctrl-C, a supervisor, and the end of the terminal session. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Stops on the first of {@link STOP_SIGNALS}. Further ones change nothing, because a terminal's Ctrl-C and a parent's own
 * signal may both arrive.
 */
export function onStopSignals(logger: Logger, stop: (signal: NodeJS.Signals) => Promise<void>): void {
  let stopping = false;
  for (const signal of STOP_SIGNALS) {
    process.on(signal, (received) => {
      if (stopping) return;
      stopping = true;
      stop(received).catch((error: unknown) => exitAfterFailure(logger, error));
    });
  }
}

/** Ends the process of a server that could not stop as it should. */
export function exitAfterFailure(logger: Logger, error: unknown): never {
  logger.debug(error, 'shutdown failed');
  logger.fatal(`shutdown failed: ${isNativeError(error) ? error.message : String(error)}`);
  process.exit(1);
}

/** Makes SIGUSR1 do nothing. Without a listener Node opens its inspector, through which anyone on this machine runs code. */
export function ignoreInspectorSignal(): void {
  process.on('SIGUSR1', () => undefined);
}
