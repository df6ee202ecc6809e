import type { Limits } from '@kvs/protocol';

/** What both apps can be told, whatever they serve. */
export interface ServerSettings {
  readonly limits: Limits;
  /** Most requests under way at once; further ones are answered 503. */
  readonly maxInFlightRequests: number;
  /** Most bytes of request bodies under way at once; further requests are answered 503. */
  readonly maxInFlightBytes: number;
  /** How long a shutdown waits for requests that are under way, in milliseconds. */
  readonly shutdownTimeoutMs: number;
  readonly logLevel: LogLevel;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
