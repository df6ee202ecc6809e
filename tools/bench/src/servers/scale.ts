export interface ServersScale {
  /** Different keys that requests are about. */
  readonly keyCount: number;
  readonly rounds: number;
  /** Of what is only for orientation. */
  readonly peerRounds: number;
  /** A whole number, as all seconds here. */
  readonly turnSeconds: number;
  /** How long each server is under load before its requests of a kind are measured. */
  readonly warmUpSeconds: number;
  readonly profileSeconds: number;
  readonly connectionCounts: readonly number[];
  /** Pairs in a request, of those with many. */
  readonly batchSizes: readonly number[];
  readonly validatedPairs: number;
  readonly validationTurnMs: number;
  /** Pairs of which all are read, and very many of them. */
  readonly fetchedPairs: number;
  readonly manyPairs: number;
  readonly fetchRounds: number;
  /** How long other requests are watched before a node is stopped or everything is read, and how often that is done. */
  readonly watchSeconds: number;
  readonly watchRounds: number;
  readonly soakedPairs: number;
  /** How long the soak lasts; 0 for none. */
  readonly soakSeconds: number;
}

export const fullScale: ServersScale = {
  keyCount: 10_000,
  rounds: 11,
  peerRounds: 3,
  turnSeconds: 1,
  warmUpSeconds: 2,
  profileSeconds: 5,
  connectionCounts: [32, 128],
  batchSizes: [100, 1000],
  validatedPairs: 1000,
  validationTurnMs: 200,
  fetchedPairs: 100_000,
  manyPairs: 1_000_000,
  fetchRounds: 9,
  watchSeconds: 4,
  watchRounds: 3,
  soakedPairs: 1_000_000,
  soakSeconds: 0,
};

export const quickScale: ServersScale = {
  ...fullScale,
  rounds: 2,
  peerRounds: 1,
  warmUpSeconds: 1,
  profileSeconds: 3,
  connectionCounts: [32],
  batchSizes: [1000],
  fetchRounds: 3,
  manyPairs: 200_000,
  watchSeconds: 2,
  watchRounds: 1,
};
