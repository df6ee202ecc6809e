import type { Case } from '../../harness/case.js';
import { turns } from '../../harness/contest.js';
import { inChild } from '../../harness/in-child.js';
import { atMost, joined, type Goal, type ReportPart } from '../../harness/report.js';
import { median, ratios } from '../../harness/statistics.js';
import { using } from '../../harness/using.js';
import type { FillNodesInput, FillNodesOutput } from '../children/fill-nodes.js';
import type { ReadAllOutput } from '../children/read-all.js';
import {
  BASELINE_NAME,
  childServer,
  CLUSTER_NAME,
  startCluster,
  withRunning,
  type RunningCluster,
} from '../contenders.js';
import { SteadyLoad } from '../load/steady-load.js';
import { forgetPeak, peakResidentBytes, residentBytes } from '../processes.js';
import { requestsFor, verify, type AskedServer } from '../requests.js';
import type { ServersCaseOptions } from '../run-size.js';

const MAX_TIME = 1.5;
const MAX_TIME_OF_BASELINE = 1.2;
const MAX_GROWTH = 64 * 2 ** 20;
const MAX_WAIT = 3;

/** `GET /fetch` of all pairs: its time, how the RSS of the proxy grows, and how long other requests wait meanwhile. */
export const fullFetch: Case<ServersCaseOptions> = {
  name: 'full-fetch',
  measure: (options) => {
    const { baseline } = options;
    const names = [CLUSTER_NAME, ...(baseline === undefined ? [] : [BASELINE_NAME])];
    const clusters = names.map((name) => ({
      start: () => startCluster(name, name === BASELINE_NAME ? baseline : undefined),
    }));
    return withRunning(clusters, async ([cluster, before]) => {
      if (cluster === undefined) throw new TypeError('the cluster has not started');
      return joined([await timeFetches(cluster, before, options), await watchOthers(cluster, options)]);
    });
  },
};

async function timeFetches(
  cluster: RunningCluster,
  baseline: RunningCluster | undefined,
  { runSize: { fetchedPairs, fetchRounds }, progress }: ServersCaseOptions,
): Promise<ReportPart> {
  const count = fetchedPairs.toLocaleString('en');
  progress(`GET /fetch of ${count} pairs…`);
  const clusters = [cluster, ...(baseline === undefined ? [] : [baseline])];
  let bytes = 0;
  for (const each of clusters) {
    // Another version may place pairs on other nodes, so the baseline is filled through its proxy.
    const addresses = each === cluster ? each.addresses : [new URL(each.origin).host];
    const filled = await fill(addresses, { from: 0, to: fetchedPairs, sampleCount: 1000 });
    await verify(each, requestsFor('fetch', filled.sample, 1));
    bytes = filled.fetchBytes;
  }
  const prepared = childServer('raw, prepared bytes', 'prepared-server', [`${fetchedPairs}`]);
  return using(await prepared.start(), async (bare) => {
    const entries = [bare, ...clusters].map((server) => ({ server, times: new Array<number>() }));
    const growths: number[] = [];
    for (const { server, times } of turns(entries, fetchRounds)) {
      const growth = growthOf(cluster.proxyPid);
      times.push(await readAll(server, bytes));
      growths.push(growth());
    }
    const [raw = [], kvs = [], before] = entries.map(({ times }) => times);
    const timeGoal = (max: number, yardstick: string, times: readonly number[]): Goal => {
      const text = `GET /fetch of ${count} pairs through the proxy: at most ${max} times ${yardstick}'s time`;
      return atMost(text, 'ratio', ratios(kvs, times), max);
    };
    return {
      tables: [],
      goals: [
        timeGoal(MAX_TIME, 'raw', raw),
        ...(before === undefined ? [] : [timeGoal(MAX_TIME_OF_BASELINE, 'the baseline', before)]),
        ...growthGoals(count, Math.max(...growths)),
      ],
    };
  });
}

/** Measures requests for single pairs with and without a `GET /fetch` of very many pairs. */
async function watchOthers(
  cluster: RunningCluster,
  { runSize, generator, progress }: ServersCaseOptions,
): Promise<ReportPart> {
  const { fetchedPairs, manyPairs, keyCount, watchRounds } = runSize;
  const count = manyPairs.toLocaleString('en');
  progress(`GET /fetch of ${count} pairs, and other requests meanwhile…`);
  const { sample, fetchBytes } = await fill(cluster.addresses, {
    from: fetchedPairs,
    to: manyPairs,
    sampleCount: keyCount,
  });
  const { origin } = cluster;
  // Requests at a fixed rate would pile up at a proxy that is not warm.
  const requests = requestsFor('fetch', sample, 1);
  await generator.run({ origin, requests, connections: 16, seconds: 2 * runSize.warmUpSeconds });
  const steady = new SteadyLoad(['fetch'], runSize);
  const times: number[] = [];
  const growths: number[] = [];
  for (let round = 0; round < watchRounds; round++)
    await steady.during(origin, sample, async () => {
      const growth = growthOf(cluster.proxyPid);
      times.push(await readAll(cluster, fetchBytes));
      growths.push(growth());
    });
  if (steady.failures > 0) throw new Error(`${steady.failures} other requests failed`);
  const title = `Other requests during a GET /fetch of ${count} pairs`;
  const note = `The GET /fetch takes ${(median(times) / 1000).toFixed(1)} s. Medians of ${watchRounds} rounds.`;
  return {
    tables: [steady.table(title, note)],
    goals: [
      ...growthGoals(count, Math.max(...growths)),
      atMost(
        `other requests during a GET /fetch of ${count} pairs: p99 at most ${MAX_WAIT} times that without`,
        'ratio',
        steady.p99Ratios('fetch'),
        MAX_WAIT,
      ),
    ],
  };
}

function fill(
  addresses: readonly string[],
  range: Omit<FillNodesInput, 'addresses'>,
): Promise<FillNodesOutput> {
  const input: FillNodesInput = { ...range, addresses };
  return inChild('servers/children/fill-nodes', input);
}

/**
 * Reads all pairs of a server.
 *
 * @returns milliseconds
 * @throws Error when the answer has another length than it should
 */
async function readAll({ name, origin }: AskedServer, expectedBytes: number): Promise<number> {
  const script = 'servers/children/read-all';
  const { status, ms, bytes } = await inChild<ReadAllOutput>(script, `${origin}/fetch`);
  if (status === 200 && bytes === expectedBytes) return ms;
  throw new Error(`${name} answers GET /fetch with ${status} and ${bytes} bytes, not ${expectedBytes}`);
}

/** Where the system does not tell memory, there is no verdict. */
function growthGoals(count: string, growth: number): Goal[] {
  if (Number.isNaN(growth)) return [];
  const text = `GET /fetch of ${count} pairs: the RSS of the proxy grows by at most ${MAX_GROWTH / 2 ** 20} MiB`;
  return [atMost(text, 'MiB', growth, MAX_GROWTH)];
}

/** Returns a function that tells how far a process's RSS has grown at its highest since now. */
function growthOf(pid: number): () => number {
  forgetPeak(pid);
  const before = residentBytes(pid);
  return () => peakResidentBytes(pid) - before;
}
