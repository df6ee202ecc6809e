import type { PreparedRequest } from '../requests.js';

/** Requests, sent over and over, each connection as fast as they are answered. */
export interface Load {
  /** `http://host:port` */
  readonly origin: string;
  readonly requests: readonly PreparedRequest[];
  /** Each has one request in flight at a time. */
  readonly connections: number;
  readonly seconds: number;
}

export interface LoadOutcome {
  /** Requests answered by 200. */
  readonly requests: number;
  /** Requests that were answered otherwise, broke, or ran out of time. */
  readonly failures: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadGenerator {
  /** For the report. */
  readonly name: string;
  run(load: Load): Promise<LoadOutcome>;
}

/** The options of a case that puts servers under load. */
export interface LoadCaseOptions<RunSize> {
  readonly runSize: RunSize;
  readonly generator: LoadGenerator;
  readonly progress: (message: string) => void;
}
