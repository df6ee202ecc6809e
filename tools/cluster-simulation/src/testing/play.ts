import type { SimulatedCluster } from '../cluster/cluster.js';
import type { Rule } from '../rules.js';
import { FAULTS_FROM_MS, type Fault, type Scenario } from '../scenario.js';
import { simulate, type Run } from '../simulation.js';

export interface PlayOptions {
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Where it differs from {@link plain}. */
  readonly scenario?: Partial<Scenario>;
  readonly operationsPerSecond: number;
  /** Whether nothing is slow or fails besides the faults. Default: false. */
  readonly isSteady?: boolean;
  /** The rules that are switched off. Default: none. */
  readonly without?: readonly Rule[];
}

/** A small cluster. */
export const plain: Omit<Scenario, 'seed' | 'faults'> = {
  nodeCount: 3,
  durable: [false, false, false, false, false],
  partitionCount: 1,
  copies: 3,
  minInSync: 1,
  evicts: false,
  operationCount: 20,
};

/** Runs a small cluster with these faults and with operations all the time, besides a few at the faults. */
export function play(options: PlayOptions): Run {
  const { seed, faults, scenario, operationsPerSecond, isSteady = false, without = [] } = options;
  const prepare = (cluster: SimulatedCluster) => {
    const { scheduler, clients } = cluster;
    if (isSteady) scheduler.after(FAULTS_FROM_MS, () => cluster.disturb(false));
    for (let ms = 7000; ms < 36_000; ms += 1000 / operationsPerSecond)
      scheduler.after(ms, () => clients.act(0));
  };
  return simulate({ ...plain, seed, ...scenario, faults }, { prepare, without });
}
