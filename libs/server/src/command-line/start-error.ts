import { messageOf } from '@kvs/protocol';

/** The exit code for arguments that are not valid, as in most command line tools. */
const USAGE_EXIT_CODE = 2;

/** The reason why a server can't start, in one line for the person who starts it. */
export class StartError extends Error {
  override readonly name = 'StartError';
  /** 2 if the arguments are not valid, otherwise 1. */
  readonly exitCode: number;

  constructor(message: string, { exitCode = 1, ...options }: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Returns an error for arguments that are not valid. */
export function usageError(message: string, cause?: unknown): StartError {
  return new StartError(`${message} (see --help)`, { exitCode: USAGE_EXIT_CODE, cause });
}

/** Returns what `read` returns, or ends the process as {@link exitAtStart} does. */
export function orExit<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    exitAtStart(name, error);
  }
}

/**
 * Ends the process of a server that cannot start: one line on stderr, and the exit code of a {@link StartError}, or 1 for any
 * other error.
 *
 * @param name begins the line, such as `kvs-proxy`
 */
export function exitAtStart(name: string, error: unknown): never {
  process.stderr.write(`${name}: ${messageOf(error).trim().replaceAll(/\s+/g, ' ')}\n`);
  process.exit(error instanceof StartError ? error.exitCode : 1);
}
