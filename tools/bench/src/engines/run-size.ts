export interface EnginesCaseOptions {
  readonly runSize: EnginesRunSize;
  /** Whether Redis is measured too. */
  readonly withRedis: boolean;
  readonly progress: (message: string) => void;
}

export type EnginesRunSize = typeof fullRun;

export const fullRun = {
  /** The pairs that each store writes and reads in a round. */
  timedPairs: 50_000,
  timedRounds: 9,
  /** The pairs whose bytes are compared. */
  heldPairs: 1_000_000,
  /** The pairs of the engine that holds very many. */
  manyPairs: 17_000_000,
  /** The pairs of the snapshot during which requests are timed. */
  snapshotPairs: 1_000_000,
  snapshotRounds: 7,
};

export const quickRun: EnginesRunSize = {
  ...fullRun,
  timedRounds: 3,
  manyPairs: 1_700_000,
  snapshotRounds: 3,
};
