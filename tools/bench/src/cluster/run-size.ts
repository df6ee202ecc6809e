import type { LoadCaseOptions } from '../servers/load/load.js';

export interface ClusterCaseOptions extends LoadCaseOptions<ClusterRunSize> {
  /** More options of the proxies. Default: none, so that the defaults of kvs are measured. */
  readonly proxyArgs?: readonly string[];
}

export type ClusterRunSize = typeof fullRun;

export const fullRun = {
  /** The number of different keys in requests. */
  keyCount: 10_000,
  connections: 32,
  rounds: 11,
  turnSeconds: 1,
  /** How long each cluster is under load before it is measured. */
  warmUpSeconds: 2,
  killRounds: 3,
  drainRounds: 3,
  /** The pairs that the others hold when a node joins. */
  joinedPairs: 1_000_000,
  joinRounds: 2,
  /** The pairs whose memory is compared. */
  measuredPairs: 200_000,
  /** How long requests are measured before a node joins or leaves, or the store is away. */
  watchSeconds: 5,
  /** How long the topology store is away. */
  awaySeconds: 60,
};

export const quickRun: ClusterRunSize = {
  ...fullRun,
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
