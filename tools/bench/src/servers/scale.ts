export interface ServersScale {
  /** The number of different keys in requests. */
  readonly keyCount: number;
  readonly rounds: number;
  readonly turnSeconds: number;
  /** How long each server is under load before requests of a kind are measured. */
  readonly warmUpSeconds: number;
  readonly connectionCounts: readonly number[];
  /** Pairs per request of the case with batches. */
  readonly batchSizes: readonly number[];
  /** The pairs of the timed `GET /fetch`. */
  readonly fetchedPairs: number;
  readonly fetchRounds: number;
  /** The pairs of the `GET /fetch` during which other requests are measured. */
  readonly manyPairs: number;
  readonly watchRounds: number;
  /** How long other requests are measured without a `GET /fetch`. */
  readonly watchSeconds: number;
}

export const fullScale: ServersScale = {
  keyCount: 10_000,
  rounds: 11,
  turnSeconds: 1,
  warmUpSeconds: 2,
  connectionCounts: [32, 128],
  batchSizes: [100, 1000],
  fetchedPairs: 100_000,
  fetchRounds: 9,
  manyPairs: 1_000_000,
  watchRounds: 3,
  watchSeconds: 4,
};

export const quickScale: ServersScale = {
  ...fullScale,
  rounds: 2,
  warmUpSeconds: 1,
  connectionCounts: [32],
  batchSizes: [1000],
  fetchRounds: 3,
  manyPairs: 200_000,
  watchRounds: 1,
  watchSeconds: 2,
};
