export interface ServersScale {
  /** Different keys that single-key requests are about. */
  readonly keyCount: number;
  readonly rounds: number;
  readonly turnSeconds: number;
  /** How long each server is under load before its requests of a kind are measured. */
  readonly warmUpSeconds: number;
  readonly profileSeconds: number;
  readonly connectionCounts: readonly number[];
}

export const fullScale: ServersScale = {
  keyCount: 10_000,
  rounds: 5,
  turnSeconds: 1,
  warmUpSeconds: 3,
  profileSeconds: 5,
  connectionCounts: [32, 128],
};

export const quickScale: ServersScale = {
  ...fullScale,
  rounds: 2,
  warmUpSeconds: 2,
  profileSeconds: 3,
  connectionCounts: [32],
};
