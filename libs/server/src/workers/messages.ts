import { isRecord } from '@kvs/protocol';
import { readFamilies, type MetricFamily } from '../metrics/metric-family.js';

/** Messages of the primary process to a worker. */
export type ToWorker =
  /** Comes with the socket. Comes again without it to ask whether the worker has lost it. */
  | { readonly type: 'connection'; readonly id: number; readonly protocol: string }
  /** Asks for the metrics of the worker. */
  | { readonly type: 'metrics'; readonly id: number }
  /** The metrics page of all processes; null if it could not be made. */
  | { readonly type: 'page'; readonly id: number; readonly page: string | null }
  | { readonly type: 'stop'; readonly reason: string };

/** Messages of a worker to the primary process. */
export type ToPrimary =
  /** The worker can accept connections. */
  | { readonly type: 'ready' }
  /** The worker has accepted the connection of that id, or lost it, and can accept another. */
  | { readonly type: 'accepted'; readonly id: number }
  | { readonly type: 'metrics'; readonly id: number; readonly families: readonly MetricFamily[] }
  /** Asks for the metrics page of all processes. */
  | { readonly type: 'page'; readonly id: number };

/** Returns undefined for a foreign message: others may use the channel too. */
export function readToWorker(message: unknown): ToWorker | undefined {
  if (!isRecord(message)) return undefined;
  const { type, id, protocol, page, reason } = message;
  if (type === 'connection' && typeof id === 'number' && typeof protocol === 'string')
    return { type, id, protocol };
  if (type === 'metrics' && typeof id === 'number') return { type, id };
  if (type === 'page' && typeof id === 'number')
    return { type, id, page: typeof page === 'string' ? page : null };
  if (type === 'stop' && typeof reason === 'string') return { type, reason };
  return undefined;
}

/** Returns undefined for a foreign message, as {@link readToWorker} does. */
export function readToPrimary(message: unknown): ToPrimary | undefined {
  if (!isRecord(message)) return undefined;
  const { type, id, families } = message;
  if (type === 'ready') return { type };
  if ((type === 'accepted' || type === 'page') && typeof id === 'number') return { type, id };
  if (type === 'metrics' && typeof id === 'number') return { type, id, families: readFamilies(families) };
  return undefined;
}
