import type { KeyValueOperations, Limits } from '@kvs/protocol';

/** Injection tokens. What stands behind them is the app's business. */
export const OPERATIONS = Symbol('KeyValueOperations');
/** The `Limits` that requests are held to. */
export const LIMITS = Symbol('Limits');
/** What stands for a {@link Readiness}. */
export const READINESS = Symbol('Readiness');
/** Optional: a `MetricsSource` with the numbers that only the app has. */
export const METRICS_SOURCE = Symbol('MetricsSource');

export type { KeyValueOperations, Limits };

/** Whether the server can serve now. */
export interface Readiness {
  /** What keeps the server from serving; nothing when it can. */
  check(): Promise<string | undefined>;
}
