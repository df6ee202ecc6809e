import { pino, type Logger } from 'pino';
import type { LogFormat, LogLevel } from '../command-line/settings.js';
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
