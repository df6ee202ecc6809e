import type { Case } from '../../harness/case.js';
import { atLeast, atMost, type Goal, type ReportPart, type Table } from '../../harness/report.js';
import { ratios } from '../../harness/statistics.js';
import { BASELINE_NAME, CLUSTER_NAME, raw, startCluster, storageNode, withRunning } from '../contenders.js';
import { load, OPERATIONS, randomPairs, requestsFor, type Operation } from '../requests.js';
import { loadInRounds, type ServerResult } from '../rounds.js';
import type { ServersCaseOptions, ServersRunSize } from '../run-size.js';
import { cpuRatios, loadTable, speedRatios } from '../tables.js';

const MIN_SPEED = 0.85;
const MIN_SPEED_OF_NODE = 0.9;
const MIN_SPEED_OF_BATCHES = 0.5;
const MAX_CPU = 1.4;
const MAX_P50 = 2.2;
const MIN_SPEED_OF_BASELINE = 0.97;

/** Requests for one pair each, from many clients. */
export const singleKey = loadCase(
  'single-key',
  ({ connectionCounts }) => workloadsOf(connectionCounts, [1], OPERATIONS),
  (workload, { bare, node, proxy, baseline }) => [
    atLeast(
      `${workload}, through the proxy: at least ${MIN_SPEED} of raw's requests/s`,
      'ratio',
      speedRatios(proxy, bare),
      MIN_SPEED,
    ),
    ...cpuGoal(`${workload}, proxy and nodes: at most ${MAX_CPU} times raw's CPU`, proxy, bare, MAX_CPU),
    atLeast(
      `${workload}, a node directly: at least ${MIN_SPEED_OF_NODE} of raw's requests/s`,
      'ratio',
      speedRatios(node, bare),
      MIN_SPEED_OF_NODE,
    ),
    ...baselineGoals(workload, proxy, baseline),
  ],
);

/** One connection with one request at a time. */
export const latency = loadCase(
  'latency',
  () => workloadsOf([1], [1], OPERATIONS),
  (workload, { bare, proxy }) => {
    const halves = ({ turns }: ServerResult) => turns.map(({ p50Ms }) => p50Ms);
    const text = `${workload}, p50 through the proxy: at most ${MAX_P50} times raw's`;
    return [atMost(text, 'ratio', ratios(halves(proxy), halves(bare)), MAX_P50)];
  },
);

/** Requests for many pairs. */
export const batches = loadCase(
  'batches',
  ({ batchSizes }) => workloadsOf([8], batchSizes, ['set', 'fetch']),
  (workload, { bare, proxy, baseline }) => [
    atLeast(
      `${workload}, through the proxy: at least ${MIN_SPEED_OF_BATCHES} of raw's items/s`,
      'ratio',
      speedRatios(proxy, bare),
      MIN_SPEED_OF_BATCHES,
    ),
    ...baselineGoals(workload, proxy, baseline),
  ],
);

interface Workload {
  readonly operation: Operation;
  readonly batchSize: number;
  readonly connections: number;
}

interface Results {
  readonly bare: ServerResult;
  readonly node: ServerResult;
  readonly proxy: ServerResult;
  readonly baseline?: ServerResult;
}

/** Returns a case that puts raw, a node, a cluster and the baseline under the same loads, with a table for each. */
function loadCase(
  name: string,
  workloads: (runSize: ServersRunSize) => readonly Workload[],
  goalsOf: (workload: string, results: Results) => Goal[],
): Case<ServersCaseOptions> {
  const measure = ({ runSize, generator, progress, baseline }: ServersCaseOptions): Promise<ReportPart> => {
    const cluster = { start: () => startCluster(CLUSTER_NAME) };
    const baselines = baseline === undefined ? [] : [{ start: () => startCluster(BASELINE_NAME, baseline) }];
    return withRunning([raw, storageNode, cluster, ...baselines], async (servers) => {
      const pairs = randomPairs(runSize.keyCount);
      for (const server of servers) await load(server, pairs);
      const tables: Table[] = [];
      const goals: Goal[] = [];
      for (const { operation, batchSize, connections } of workloads(runSize)) {
        const workload = nameOf(operation, batchSize, connections);
        progress(`${workload}…`);
        const requests = requestsFor(operation, pairs, batchSize);
        const results = await loadInRounds(servers, requests, { ...runSize, generator, connections });
        tables.push(loadTable(workload, results, batchSize));
        const [bare, node, proxy, before] = results;
        if (bare === undefined || node === undefined || proxy === undefined)
          throw new TypeError('a result is missing');
        goals.push(...goalsOf(workload, { bare, node, proxy, ...(before && { baseline: before }) }));
      }
      return { tables, goals };
    });
  };
  return { name, measure };
}

function baselineGoals(workload: string, proxy: ServerResult, baseline: ServerResult | undefined): Goal[] {
  if (baseline === undefined) return [];
  const speed = `${workload}, through the proxy: at least ${MIN_SPEED_OF_BASELINE} of the baseline's requests/s`;
  const maxCpu = 1 / MIN_SPEED_OF_BASELINE;
  const cpu = `${workload}, proxy and nodes: at most ${maxCpu.toFixed(2)} times the baseline's CPU`;
  return [
    atLeast(speed, 'ratio', speedRatios(proxy, baseline), MIN_SPEED_OF_BASELINE),
    ...cpuGoal(cpu, proxy, baseline, maxCpu),
  ];
}

/** Without known CPU times there is no verdict. */
function cpuGoal(text: string, result: ServerResult, measure: ServerResult, max: number): Goal[] {
  const cpus = cpuRatios(result, measure);
  return cpus.some(Number.isNaN) ? [] : [atMost(text, 'ratio', cpus, max)];
}

function workloadsOf(
  connectionCounts: readonly number[],
  batchSizes: readonly number[],
  operations: readonly Operation[],
): Workload[] {
  return connectionCounts.flatMap((connections) =>
    batchSizes.flatMap((batchSize) => operations.map((operation) => ({ connections, batchSize, operation }))),
  );
}

function nameOf(operation: Operation, batchSize: number, connections: number): string {
  const pairs = batchSize === 1 ? 'one pair' : `${batchSize.toLocaleString('en')} pairs`;
  return `${operation} of ${pairs}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
}
