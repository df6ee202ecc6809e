import type { Limits } from '@kvs/protocol';

/** What both apps can be told, whatever they serve. */
export interface ServerSettings {
  readonly limits: Limits;
  /** The most requests in flight; further ones are answered 503. */
  readonly maxInFlightRequests: number;
  /** The most bytes of request bodies in flight, and of whole answers that are unread; beyond, requests are answered 503. */
  readonly maxInFlightBytes: number;
  /** How long the headers of a request may take, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** How long a client may send no byte of a body, in milliseconds; the request is then answered 408. */
  readonly bodyTimeoutMs: number;
  /**
   * Lowest sustained speed of a body, in bytes per second. A client may fall behind it by `bodyTimeoutMs`, and makes up for
   * that with later bytes, but not with earlier ones.
   */
  readonly minBodyRate: number;
  /** How long a client may take without reading a byte of its answer, in milliseconds; its connection is cut. */
  readonly answerTimeoutMs: number;
  /** How long a shutdown waits for requests in flight, in milliseconds. */
  readonly shutdownTimeoutMs: number;
  /** Whether the hot routes are answered before Express; otherwise Express answers all. */
  readonly fastLane: boolean;
  /** Host names that are served besides the server's own, in canonical form, or `*` for all. */
  readonly allowHosts: readonly string[];
  /** Origins whose pages may use the server, as browsers send them, or `*` for all. */
  readonly allowOrigins: readonly string[];
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `auto` is text on a terminal and JSON, a line each, elsewhere. */
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];
