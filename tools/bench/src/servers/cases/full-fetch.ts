import { setTimeout } from 'node:timers/promises';
import { inRounds } from '../../harness/contest.js';
import { inChild } from '../../harness/in-child.js';
import { atMost, type Findings, type Goal, type Table } from '../../harness/report.js';
import { median, medianRatio, ratios } from '../../harness/statistics.js';
import type { FillNodesInput, FillNodesOutput } from '../children/fill-nodes.js';
import type { ReadAllOutput } from '../children/read-all.js';
import { childServer, CLUSTER_NAME, startCluster, withRunning, type RunningCluster } from '../contenders.js';
import type { LoadOutcome } from '../load/load.js';
import { LoadProcess } from '../load/load-process.js';
import { forgetPeak, peakResidentBytes, residentBytes } from '../processes.js';
import { requestsFor, verify, type AskedServer, type PreparedRequest } from '../requests.js';
import { known } from '../tables.js';
import { BASELINE_NAME, type CaseOptions, type ServersCase } from './case.js';

const MAX_TIME = 1.5;
const MAX_TIME_OF_BASELINE = 1.2;
const MAX_GROWTH = 64 * 2 ** 20;
const MAX_WAIT = 3;
const OTHERS = { connections: 16, requestsPerSecond: 500 };

/** `GET /fetch` of all pairs: its time, how the RSS of the proxy grows, and how long other requests wait meanwhile. */
export const fullFetch: ServersCase = {
  name: 'full-fetch',
  measure: (options) => {
    const { baseline } = options;
    const names = [CLUSTER_NAME, ...(baseline === undefined ? [] : [BASELINE_NAME])];
    const clusters = names.map((name) => ({
      start: () => startCluster(name, name === BASELINE_NAME ? baseline : undefined),
    }));
    return withRunning(clusters, async ([cluster, before]) => {
      if (cluster === undefined) throw new TypeError('the cluster has not started');
      const parts = [await timeFetches(cluster, before, options), await watchOthers(cluster, options)];
      return { tables: parts.flatMap(({ tables }) => tables), goals: parts.flatMap(({ goals }) => goals) };
    });
  },
};

async function timeFetches(
  cluster: RunningCluster,
  baseline: RunningCluster | undefined,
  { scale: { fetchedPairs, fetchRounds }, progress }: CaseOptions,
): Promise<Findings> {
  const count = fetchedPairs.toLocaleString('en');
  progress(`GET /fetch of ${count} pairs…`);
  const clusters = [cluster, ...(baseline === undefined ? [] : [baseline])];
  let bytes = 0;
  for (const each of clusters) {
    // Another version may place pairs on other nodes, so the baseline is filled through its proxy.
    const addresses = each === cluster ? each.addresses : [new URL(each.origin).host];
    const filled = await fill(addresses, { from: 0, to: fetchedPairs, sampleCount: 1000 });
    await verify(each, filled.requests);
    bytes = filled.fetchBytes;
  }
  const prepared = childServer('raw, prepared bytes', 'prepared-server', [`${fetchedPairs}`]);
  return withRunning([prepared], async (bare) => {
    const servers: AskedServer[] = [...bare, ...clusters];
    const times = servers.map(() => new Array<number>());
    const growths: number[] = [];
    await inRounds(servers.length, fetchRounds, async (at) => {
      const server = servers[at];
      if (server === undefined) return;
      const growth = growthOf(cluster.proxyPid);
      times[at]?.push(await readAll(server, bytes));
      growths.push(growth());
    });
    const [raw = [], kvs = [], before] = times;
    const growth = Math.max(...growths);
    const table: Table = {
      title: `GET /fetch of ${count} pairs`,
      note:
        `${(bytes / 1e6).toFixed(0)} MB of JSON, read by a process of its own; medians of ${fetchRounds} rounds. Raw ` +
        'sends as many bytes, prepared before, in chunks of 64 KiB. RSS growth is from before a request to the highest ' +
        'during it, the max of all rounds.',
      columns: [
        { title: '' },
        { title: 'time', unit: 'ms' },
        { title: '× raw', unit: 'ratio' },
        { title: 'RSS growth of the proxy', unit: 'MiB' },
      ],
      rows: servers.map((server, at) => [
        server.name,
        median(times[at] ?? []),
        medianRatio(times[at] ?? [], raw),
        server === cluster ? known(growth) : null,
      ]),
    };
    const text = `GET /fetch of ${count} pairs through the proxy: at most`;
    return {
      tables: [table],
      goals: [
        atMost(`${text} ${MAX_TIME} times raw's time`, 'ratio', ratios(kvs, raw), MAX_TIME),
        ...(before === undefined
          ? []
          : [
              atMost(
                `${text} ${MAX_TIME_OF_BASELINE} times the baseline's time`,
                'ratio',
                ratios(kvs, before),
                MAX_TIME_OF_BASELINE,
              ),
            ]),
        ...growthGoals(count, growth),
      ],
    };
  });
}

/** Measures requests for single pairs with and without a `GET /fetch` of very many pairs. */
async function watchOthers(
  cluster: RunningCluster,
  { scale, generator, progress }: CaseOptions,
): Promise<Findings> {
  const { fetchedPairs, manyPairs, keyCount, watchRounds, watchSeconds } = scale;
  const count = manyPairs.toLocaleString('en');
  progress(`GET /fetch of ${count} pairs, and other requests meanwhile…`);
  const { requests, fetchBytes } = await fill(cluster.addresses, {
    from: fetchedPairs,
    to: manyPairs,
    sampleCount: keyCount,
  });
  const load = { origin: cluster.origin, requests, ...OTHERS };
  // Requests at a fixed rate would pile up at a proxy that is not warm.
  await generator.run({ ...load, seconds: 2 * scale.warmUpSeconds });
  const others = await LoadProcess.start(load);
  const without: LoadOutcome[] = [];
  const during: LoadOutcome[] = [];
  const times: number[] = [];
  const growths: number[] = [];
  try {
    await setTimeout(watchSeconds * 1000);
    for (let round = 0; round < watchRounds; round++) {
      without.push(await others.measure(watchSeconds));
      const growth = growthOf(cluster.proxyPid);
      times.push(await readAll(cluster, fetchBytes));
      during.push(await others.cut());
      growths.push(growth());
    }
  } finally {
    await others.stop();
  }
  const failures = [...without, ...during].reduce((sum, each) => sum + each.failures, 0);
  if (failures > 0) throw new Error(`${failures} other requests failed`);
  const row = (name: string, outcomes: readonly LoadOutcome[]) => [
    name,
    ...(['p50Ms', 'p99Ms', 'p999Ms'] as const).map((part) => median(outcomes.map((each) => each[part]))),
  ];
  const p99 = (outcomes: readonly LoadOutcome[]): number[] => outcomes.map(({ p99Ms }) => p99Ms);
  return {
    tables: [
      {
        title: `Other requests during a GET /fetch of ${count} pairs`,
        note:
          `${OTHERS.requestsPerSecond} requests a second for single pairs, sent evenly. The GET /fetch takes ` +
          `${(median(times) / 1000).toFixed(1)} s. Medians of ${watchRounds} rounds.`,
        columns: [
          { title: '' },
          { title: 'p50', unit: 'ms' },
          { title: 'p99', unit: 'ms' },
          { title: 'p99.9', unit: 'ms' },
        ],
        rows: [row('without', without), row('during', during)],
      },
    ],
    goals: [
      ...growthGoals(count, Math.max(...growths)),
      atMost(
        `other requests during a GET /fetch of ${count} pairs: p99 at most ${MAX_WAIT} times that without`,
        'ratio',
        ratios(p99(during), p99(without)),
        MAX_WAIT,
      ),
    ],
  };
}

async function fill(
  addresses: readonly string[],
  range: Omit<FillNodesInput, 'addresses'>,
): Promise<{ readonly requests: readonly PreparedRequest[]; readonly fetchBytes: number }> {
  const input: FillNodesInput = { ...range, addresses };
  const { sample, fetchBytes } = await inChild<FillNodesOutput>('servers/children/fill-nodes', input);
  return { requests: requestsFor('fetch', sample, 1), fetchBytes };
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
