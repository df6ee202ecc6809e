import type { PreparedRequest } from '../contenders/dialect.js';

/** Requests, around and around, as fast as they are answered. */
export interface Load {
  /** `http://host:port` */
  readonly origin: string;
  readonly requests: readonly PreparedRequest[];
  /** Each has one request under way at a time. */
  readonly connections: number;
  /** A whole number. */
  readonly seconds: number;
}

export interface LoadOutcome {
  /** How many were answered. */
  readonly requests: number;
  /** How many of these, or besides these, were answered by an error, broke, or ran out of time. */
  readonly failures: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export interface LoadGenerator {
  /** For the report. */
  readonly name: string;
  run(load: Load): Promise<LoadOutcome>;
}

/** A request as it goes over the wire. */
export function toHttp({ method, path, body }: PreparedRequest, host: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
