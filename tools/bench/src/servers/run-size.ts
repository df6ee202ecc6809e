import type { LoadCaseOptions } from './load/load.js';

export interface ServersCaseOptions extends LoadCaseOptions<ServersRunSize> {
  /** Another checkout, built, whose proxy and nodes are measured too. */
  readonly baseline?: string;
}

export type ServersRunSize = typeof fullRun;

export const fullRun = {
  /** The number of different keys in requests. */
  keyCount: 10_000,
  rounds: 11,
  turnSeconds: 1,
  /** How long each server is under load before requests of a kind are measured. */
  warmUpSeconds: 2,
  connectionCounts: [32, 128],
  /** Pairs per request of the case with batches. */
  batchSizes: [100, 1000],
  /** The pairs of the timed `GET /fetch`. */
  fetchedPairs: 100_000,
  fetchRounds: 9,
  /** The pairs of the `GET /fetch` during which other requests are measured. */
  manyPairs: 1_000_000,
  watchRounds: 3,
  /** How long other requests are measured without a `GET /fetch`. */
  watchSeconds: 4,
};

export const quickRun: ServersRunSize = {
  ...fullRun,
  rounds: 2,
  warmUpSeconds: 1,
  connectionCounts: [32],
  batchSizes: [1000],
  fetchRounds: 3,
  manyPairs: 200_000,
  watchRounds: 1,
  watchSeconds: 2,
};
