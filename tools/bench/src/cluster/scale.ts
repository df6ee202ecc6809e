export interface ClusterScale {
  /** The number of different keys in requests. */
  readonly keyCount: number;
  readonly connections: number;
  readonly rounds: number;
  readonly turnSeconds: number;
  /** How long each cluster is under load before it is measured. */
  readonly warmUpSeconds: number;
  readonly killRounds: number;
  readonly drainRounds: number;
  /** The pairs that the others hold when a node joins. */
  readonly joinedPairs: number;
  readonly joinRounds: number;
  /** The pairs whose memory is compared. */
  readonly measuredPairs: number;
  /** How long requests are measured before a node joins or leaves, or the store is away. */
  readonly watchSeconds: number;
  /** How long the topology store is away. */
  readonly awaySeconds: number;
}

export const fullScale: ClusterScale = {
  keyCount: 10_000,
  connections: 32,
  rounds: 11,
  turnSeconds: 1,
  warmUpSeconds: 2,
  killRounds: 3,
  drainRounds: 3,
  joinedPairs: 1_000_000,
  joinRounds: 2,
  measuredPairs: 200_000,
  watchSeconds: 5,
  awaySeconds: 60,
};

export const quickScale: ClusterScale = {
  ...fullScale,
  rounds: 2,
  warmUpSeconds: 1,
  killRounds: 1,
  drainRounds: 1,
  joinedPairs: 50_000,
  joinRounds: 1,
  measuredPairs: 50_000,
  watchSeconds: 2,
  awaySeconds: 3,
};
