import { isRecord } from '@kvs/protocol';
import type { MetricFamily } from '../metrics/metric-family.js';

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

const TO_WORKER: Types<ToWorker> = { connection: true, metrics: true, page: true, stop: true };
const TO_PRIMARY: Types<ToPrimary> = { ready: true, accepted: true, metrics: true, page: true };

/** Returns false for a foreign message: others may use the channel too. */
export function isToWorker(message: unknown): message is ToWorker {
  return hasType(message, TO_WORKER);
}

/** Returns false for a foreign message, as {@link isToWorker} does. */
export function isToPrimary(message: unknown): message is ToPrimary {
  return hasType(message, TO_PRIMARY);
}

/**
 * The type alone tells that a message has the other fields too: a worker runs the script of the primary process, so both
 * send by the types above, and the channel keeps every value as it is.
 */
function hasType(message: unknown, types: object): boolean {
  return isRecord(message) && typeof message['type'] === 'string' && Object.hasOwn(types, message['type']);
}

/** Every type of a message; the compiler refuses a list that lacks one. */
type Types<M extends { readonly type: string }> = Readonly<Record<M['type'], true>>;
