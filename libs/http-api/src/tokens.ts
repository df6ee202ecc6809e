import type { KeyValueOperations, Limits } from '@kvs/protocol';

/** Injection tokens. What stands behind them is the app's business. */
export const OPERATIONS = Symbol('KeyValueOperations');
export const LIMITS = Symbol('Limits');
export const READINESS = Symbol('Readiness');
/** Optional: a `MetricsSource` with the numbers that only the app has. */
export const METRICS_SOURCE = Symbol('MetricsSource');

export type { KeyValueOperations, Limits };

/** Whether the server can serve now. */
export interface Readiness {
  /** What keeps the server from serving; nothing when it can. */
  check(): Promise<string | undefined>;
}
