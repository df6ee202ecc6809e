import { pino, type Logger } from 'pino';
import type { LogFormat, LogLevel } from '../command-line/settings.js';
import { LogOutput } from './log-output.js';

export type { Logger } from 'pino';

/**
 * Returns a logger to stdout. A line that can't be written is lost.
 *
 * @param worker the number of the worker that this process is, if it is one
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
