import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import type { LogFormat, LogLevel } from '../settings.js';
import { LogOutput } from './log-output.js';

export type { Logger } from 'pino';

/**
 * Logs to stdout. A log that cannot be written is no error.
 *
 * @param worker which worker of the server this process is, where it is one
 */
export async function createLogger(
  name: string,
  level: LogLevel,
  format: LogFormat,
  worker?: number,
): Promise<Logger> {
  const output = new LogOutput();
  const text = format === 'text' || (format === 'auto' && process.stdout.isTTY);
  if (!text) return pino({ name, level, ...(worker !== undefined && { mixin: () => ({ worker }) }) }, output);
  const { prettyFactory } = await import('pino-pretty');
  const toText = prettyFactory({
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
    hideObject: true,
    ...(worker !== undefined && { messageFormat: `worker ${worker}: {msg}` }),
  });
  return pino({ level }, { write: (line) => output.write(toText(line)) });
}

/** Nest's own messages. Its step-by-step account of starting up is for debugging. */
export class NestLogger implements LoggerService {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  log(message: unknown, ...context: unknown[]): void {
    this.#logger.debug({ context }, String(message));
  }

  verbose(message: unknown, ...context: unknown[]): void {
    this.#logger.trace({ context }, String(message));
  }

  debug(message: unknown, ...context: unknown[]): void {
    this.#logger.debug({ context }, String(message));
  }

  warn(message: unknown, ...context: unknown[]): void {
    this.#logger.warn({ context }, String(message));
  }

  error(message: unknown, ...context: unknown[]): void {
    this.#logger.error({ context }, String(message));
  }

  fatal(message: unknown, ...context: unknown[]): void {
    this.#logger.fatal({ context }, String(message));
  }
}
