import type { LoggerService } from '@nestjs/common';
import type { Logger } from '@kvs/server';

/** Writes Nest's messages to the log. Its account of each step of the start has the level `debug`. */
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
    // Nest throws what its handler of exceptions logs, and the start of the app logs it once.
    const isThrown = context.includes('ExceptionHandler');
    this.#logger[isThrown ? 'debug' : 'error']({ context }, String(message));
  }

  fatal(message: unknown, ...context: unknown[]): void {
    this.#logger.fatal({ context }, String(message));
  }
}
