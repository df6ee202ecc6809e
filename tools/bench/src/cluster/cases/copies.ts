import type { Case } from '../../harness/case.js';
import { atLeast, atMost, joined, type ReportPart } from '../../harness/report.js';
import { withRunning } from '../../servers/contenders.js';
import { randomPairs, requestsFor } from '../../servers/requests.js';
import { loadInRounds } from '../../servers/rounds.js';
import { loadTable, speedRatios } from '../../servers/tables.js';
import { MeasuredCluster } from '../measured-cluster.js';
import type { ClusterCaseOptions } from '../run-size.js';

const MIN_SPEED = { set: 0.6, fetch: 0.95 } as const;
const MAX_MEMORY = 2.1;
const ONE = '1 copy';

/** The same two nodes, with one copy of each partition and with two: what the second costs. */
export const copies: Case<ClusterCaseOptions> = {
  name: 'copies',
  measure: (options) => {
    const { proxyArgs } = options;
    const contenders = [1, 2].map((count) => {
      const name = count === 1 ? ONE : `${count} copies`;
      return { start: () => MeasuredCluster.start({ name, copies: count, nodeCount: 2, proxyArgs }) };
    });
    return withRunning(contenders, async (clusters) => {
      return joined([await compareSpeed(clusters, options), await compareMemory(clusters, options)]);
    });
  },
};

async function compareSpeed(
  clusters: readonly MeasuredCluster[],
  { runSize, generator, progress }: ClusterCaseOptions,
): Promise<ReportPart> {
  const pairs = randomPairs(runSize.keyCount);
  for (const cluster of clusters) await cluster.load(pairs);
  const parts: ReportPart[] = [];
  for (const operation of ['set', 'fetch'] as const) {
    const workload = `${operation} of one pair, ${runSize.connections} connections`;
    progress(`${workload}…`);
    const results = await loadInRounds(clusters, requestsFor(operation, pairs, 1), { ...runSize, generator });
    const [one, two] = results;
    if (one === undefined || two === undefined) throw new TypeError('a result is missing');
    const min = MIN_SPEED[operation];
    const text = `${workload}: 2 copies have at least ${min} of the requests/s of 1 copy`;
    parts.push({
      tables: [loadTable(`${workload}, 2 nodes`, results, 1, ONE)],
      goals: [atLeast(text, 'ratio', speedRatios(two, one), min)],
    });
  }
  return joined(parts);
}

async function compareMemory(
  clusters: readonly MeasuredCluster[],
  { runSize: { measuredPairs }, progress }: ClusterCaseOptions,
): Promise<ReportPart> {
  const count = measuredPairs.toLocaleString('en');
  progress(`memory of ${count} pairs…`);
  const used: number[] = [];
  for (const cluster of clusters) {
    await cluster.fill(measuredPairs, 1);
    used.push(await cluster.usedBytes());
  }
  const [one = NaN, two = NaN] = used;
  const text = `${count} pairs: 2 copies take at most ${MAX_MEMORY} times the bytes of 1 copy`;
  return { tables: [], goals: [atMost(text, 'ratio', two / one, MAX_MEMORY)] };
}
