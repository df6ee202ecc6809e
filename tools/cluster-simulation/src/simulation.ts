import { checkLinearizable } from './check/linearizability.js';
import { checkVersions } from './check/versions.js';
import type { Finding } from './check/findings.js';
import type { Operation } from './check/history.js';
import { SimulatedCluster } from './cluster/cluster.js';
import { planFault } from './cluster/faults.js';
import type { Rule } from './rules.js';
import { FAULTS_FROM_MS, FAULTS_UNTIL_MS, type Scenario } from './scenario.js';
import { Random } from './world/random.js';

/** The results of one scenario. */
export interface Run {
  /** The broken promises, at most one of each kind. */
  readonly findings: readonly Finding[];
  /** Everything that happened, one line each, if it was asked for. */
  readonly trace: readonly string[];
  /** How often each kind of event happened. */
  readonly counts: Readonly<Record<string, number>>;
  /** The operations on each key. */
  readonly history: ReadonlyMap<string, readonly Operation[]>;
}

export interface RunSettings {
  /** The rules that are switched off. */
  readonly without?: readonly Rule[];
  readonly trace?: boolean;
  /** Called when the cluster has been made, to plan more events. */
  readonly prepare?: (cluster: SimulatedCluster) => void;
}

/**
 * Runs a scenario: the cluster starts, faults come and go while clients work, and when all faults have ended it must get all
 * its primaries and copies and serve all keys. Everything is checked on the way.
 */
export function simulate(scenario: Scenario, settings: RunSettings = {}): Run {
  const cluster = new SimulatedCluster(scenario, settings.without ?? [], settings.trace ?? false);
  const { scheduler, findings } = cluster;
  planOperations(cluster, scenario);
  for (const fault of scenario.faults) planFault(cluster, fault);
  settings.prepare?.(cluster);
  try {
    const isStopped = () => cluster.findings.all.length > 0;
    scheduler.run(FAULTS_FROM_MS - 1500, isStopped);
    cluster.disturb(true);
    scheduler.run(FAULTS_UNTIL_MS, isStopped);
    cluster.disturb(false);
    scheduler.run(FAULTS_UNTIL_MS + RECOVERY_MS, () => isStopped() || cluster.isWhole());
    if (!isStopped()) checkEnd(cluster);
  } catch (error) {
    findings.add('failure', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  for (const [key, operations] of cluster.clients.history) {
    if (cluster.isLost(key)) continue;
    const went = checkVersions(operations);
    if (went !== undefined) findings.add('versions', went);
    const order = checkLinearizable(operations, { evicts: scenario.evicts });
    if (order.kind === 'unexplained') findings.add('linearizability', `${key}: ${order.text}`);
    else if (order.kind === 'undecided') cluster.count('histories undecided');
  }
  return {
    findings: findings.all,
    trace: cluster.trace.lines,
    counts: { ...cluster.counts, events: scheduler.eventCount },
    history: cluster.clients.history,
  };
}

/** Every partition has its primary and copies, and the clients can read all keys. */
function checkEnd(cluster: SimulatedCluster): void {
  const { scheduler, findings, clients } = cluster;
  if (!cluster.isWhole()) {
    findings.add('liveness', `after ${RECOVERY_MS / 1000} s without faults: ${cluster.describe()}`);
    return;
  }
  const reads = [...clients.history.keys()].map((key) => clients.do(key, { kind: 'read' }));
  const isOver = () => reads.every(({ result }) => result !== undefined);
  scheduler.run(scheduler.nowMs + LAST_READS_MS, isOver);
  const refused = reads.find(({ result }) => result === undefined || result.kind === 'refused');
  if (refused !== undefined) findings.add('liveness', `the last read of ${refused.key} was not served`);
}

/** Plans operations: bursts around the faults, where something may go wrong, and some at other times. */
function planOperations({ scheduler, clients }: SimulatedCluster, scenario: Scenario): void {
  const random = new Random(scenario.seed).fork('operations');
  const { faults, operationCount } = scenario;
  for (let i = 0; i < operationCount; i++) {
    const fault = random.chance(0.8) ? random.pick(faults) : undefined;
    const where = random.next();
    const atMs =
      fault === undefined
        ? random.between(3000, FAULTS_UNTIL_MS)
        : fault.atMs +
          (where < 0.25
            ? random.between(-150, 150)
            : where < 0.6
              ? random.between(0, 5000)
              : fault.forMs + random.between(-100, where < 0.9 ? 500 : 20));
    scheduler.after(atMs, () => clients.act());
  }
}

/** How soon the cluster must be whole after the last fault. */
const RECOVERY_MS = 40_000;
const LAST_READS_MS = 10_000;
