import { isRecord } from '@kvs/protocol';
import { readFamilies, type MetricFamily } from '../metrics/metric-family.js';

/** What the first process and a worker say to each other. A `connection` comes with its socket. */
export type ToWorker =
  | { readonly type: 'connection'; readonly id: number }
  | { readonly type: 'metrics'; readonly id: number }
  /** The page of all processes; `null` when it could not be made. */
  | { readonly type: 'page'; readonly id: number; readonly page: string | null }
  | { readonly type: 'stop'; readonly reason: string };

export type ToPrimary =
  /** It takes connections. */
  | { readonly type: 'ready' }
  /** It has the connection that it was sent, and would take another. */
  | { readonly type: 'taken'; readonly id: number }
  | { readonly type: 'metrics'; readonly id: number; readonly families: readonly MetricFamily[] }
  | { readonly type: 'page'; readonly id: number };

/** @returns nothing for what is no message of ours: others may use the channel too */
export function readToWorker(message: unknown): ToWorker | undefined {
  if (!isRecord(message)) return undefined;
  const { type, id, page, reason } = message;
  if ((type === 'connection' || type === 'metrics') && typeof id === 'number') return { type, id };
  if (type === 'page' && typeof id === 'number')
    return { type, id, page: typeof page === 'string' ? page : null };
  if (type === 'stop' && typeof reason === 'string') return { type, reason };
  return undefined;
}

/** As {@link readToWorker}. */
export function readToPrimary(message: unknown): ToPrimary | undefined {
  if (!isRecord(message)) return undefined;
  const { type, id, families } = message;
  if (type === 'ready') return { type };
  if ((type === 'taken' || type === 'page') && typeof id === 'number') return { type, id };
  if (type === 'metrics' && typeof id === 'number') return { type, id, families: readFamilies(families) };
  return undefined;
}
