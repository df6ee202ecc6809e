import { messageOf } from '@kvs/protocol';
import type { Logger } from '../logs/logger.js';

/** Ctrl-C, a supervisor, and the end of the terminal session. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Returns a function that stops the server at its first call. Further calls change nothing: a terminal's Ctrl-C and a parent's
 * own signal may both arrive, and the primary process of a worker may ask for the stop and end.
 */
export function stopOnce(logger: Logger, stop: (reason: string) => Promise<void>): (reason: string) => void {
  let stopping = false;
  return (reason) => {
    if (stopping) return;
    stopping = true;
    logger.info(`${reason}: shutting down`);
    stop(reason).catch((error: unknown) => exitAfterFailure(logger, error));
  };
}

/** Calls `stop` with each of {@link STOP_SIGNALS}. */
export function onStopSignals(stop: (signal: string) => void): void {
  for (const signal of STOP_SIGNALS) process.on(signal, stop);
}

/** Ends the process of a server that could not stop as it should. */
function exitAfterFailure(logger: Logger, error: unknown): never {
  logger.debug(error, 'shutdown failed');
  logger.fatal(`shutdown failed: ${messageOf(error)}`);
  process.exit(1);
}

/** Makes SIGUSR1 do nothing. Without a listener Node opens its inspector, through which anyone on this machine runs code. */
export function ignoreInspectorSignal(): void {
  process.on('SIGUSR1', () => undefined);
}
