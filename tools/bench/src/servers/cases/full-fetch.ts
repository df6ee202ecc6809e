import { inRounds } from '../../harness/contest.js';
import { atMost, type Findings, type Goal, type Table } from '../../harness/report.js';
import { median, medianRatio, ratios } from '../../harness/statistics.js';
import { requestsFor, verify } from '../ask.js';
import { withRunning, type Contender } from '../contenders/contender.js';
import { startCluster, type RunningCluster } from '../contenders/kvs.js';
import { nodeServer, pidOf } from '../contenders/node-server.js';
import { LoadProcess } from '../load/load-process.js';
import type { WindowOutcome } from '../load/window.js';
import { fillNodes } from '../fill-nodes.js';
import { forgetPeak, peakResidentBytes, residentBytes } from '../processes.js';
import { known } from '../tables.js';
import { readAll } from '../read-all.js';
import type { CaseOptions, ServersCase } from './case.js';
import { pause } from './pause.js';

const MOST_TIME = 1.5;
const MOST_GROWTH = 32 * 2 ** 20;
const MOST_WAIT = 3;
const OTHERS = { connections: 16, requestsPerSecond: 500 };

/** `GET /fetch` of everything: how long it takes, what memory the proxy takes for it, and what it does to others. */
export const fullFetch: ServersCase = {
  name: 'full-fetch',
  measure: async (options) => {
    const cluster = await startCluster();
    try {
      return join([await timeFetches(cluster, options), await watchOthers(cluster, options)]);
    } finally {
      await cluster.stop();
    }
  },
};

async function timeFetches(cluster: RunningCluster, { scale, progress }: CaseOptions): Promise<Findings> {
  const { fetchedPairs, manyPairs, fetchRounds } = scale;
  const count = fetchedPairs.toLocaleString('en');
  progress(`GET /fetch of ${count} pairs…`);
  const { sample, fetchBytes: bytes } = await fillNodes(cluster.nodes, {
    drawn: manyPairs,
    to: fetchedPairs,
    sampleCount: 1000,
  });
  await verify(cluster, requestsFor(cluster, 'fetch', sample));
  return withRunning(
    [nodeServer('raw, prepared bytes', 'prepared-server', [`${fetchedPairs}`]), barePassage(fetchedPairs)],
    async ([prepared, bare]) => {
      if (prepared === undefined || bare === undefined) throw new TypeError('a server has not started');
      const servers = [
        { server: prepared, bytes, times: new Array<number>() },
        // Two arrays one after the other have a byte more than one of all.
        { server: bare, bytes: bytes + 1, times: new Array<number>() },
        { server: cluster, bytes, times: new Array<number>() },
      ];
      const proxy = pidOf(cluster.proxy);
      const before = residentBytes(proxy);
      const growths: number[] = [];
      await inRounds(servers.length, fetchRounds, async (at) => {
        const each = servers[at];
        if (each === undefined) return;
        const growth = growthOf(proxy);
        each.times.push(await readAll(each.server, each.bytes));
        growths.push(growth());
      });
      return timedFindings(
        count,
        bytes,
        fetchRounds,
        servers.map(({ server, times }) => ({ name: server.name, times })),
        { byOne: Math.max(...growths), afterAll: residentBytes(proxy) - before },
      );
    },
  );
}

/** The least that any proxy does: each of two servers has half of the bytes prepared. */
function barePassage(pairCount: number): Contender {
  const name = 'bare proxy, 2 servers of prepared bytes';
  return {
    name,
    start: async () => {
      const halves = await Promise.all(
        [1, 2].map((half) => nodeServer(`half ${half}`, 'prepared-server', [`${pairCount / 2}`]).start()),
      );
      const proxy = await nodeServer(
        name,
        'bare-proxy',
        halves.map(({ origin }) => origin),
      ).start();
      const all = [proxy, ...halves];
      return {
        ...proxy,
        processes: all.flatMap(({ processes }) => processes),
        stop: async () => void (await Promise.all(all.map((each) => each.stop()))),
      };
    },
  };
}

function timedFindings(
  count: string,
  bytes: number,
  rounds: number,
  servers: readonly { readonly name: string; readonly times: readonly number[] }[],
  grown: { readonly byOne: number; readonly afterAll: number },
): Findings {
  const raw = servers[0]?.times ?? [];
  const kvs = servers.at(-1)?.times ?? [];
  return {
    tables: [
      {
        title: `GET /fetch of ${count} pairs`,
        note:
          `${(bytes / 1e6).toFixed(0)} MB of JSON, read by a process of its own; medians of ${rounds} rounds. Raw ` +
          'writes the same number of bytes, prepared before, in pieces of 64 KiB, awaiting drain. The bare proxy passes on ' +
          'what two such servers have, half each. Growth by one request is from before it to the highest during it, the ' +
          'most of all rounds.',
        columns: [
          { title: '' },
          { title: 'time', unit: 'ms' },
          { title: '× raw', unit: 'ratio' },
          { title: 'RSS growth of the proxy by one', unit: 'MiB' },
          { title: 'after all', unit: 'MiB' },
        ],
        rows: servers.map(({ name, times }) => [
          name,
          median(times),
          medianRatio(times, raw),
          times === kvs ? known(grown.byOne) : null,
          times === kvs ? known(grown.afterAll) : null,
        ]),
      },
    ],
    goals: [
      atMost(
        `GET /fetch of ${count} pairs through the proxy: at most ${MOST_TIME} of raw's time`,
        'ratio',
        ratios(kvs, raw),
        MOST_TIME,
      ),
      ...growthGoals(count, grown.byOne),
    ],
  };
}

/** Reads everything while others ask for single pairs, and compares their waits with those before. */
async function watchOthers(
  cluster: RunningCluster,
  { scale, generator, progress }: CaseOptions,
): Promise<Findings> {
  const { fetchedPairs, manyPairs, keyCount, watchRounds, watchSeconds } = scale;
  const count = manyPairs.toLocaleString('en');
  progress(`GET /fetch of ${count} pairs, and others meanwhile…`);
  const { sample, fetchBytes } = await fillNodes(cluster.nodes, {
    drawn: manyPairs,
    from: fetchedPairs,
    sampleCount: keyCount,
  });
  const requests = requestsFor(cluster, 'fetch', sample);
  // A cold proxy would fall behind, and what waits then would still wait when the measuring starts.
  const { origin } = cluster;
  const { connections } = OTHERS;
  await generator.run({ origin, requests, connections, seconds: 2 * scale.warmUpSeconds });
  const others = await LoadProcess.start({ ...OTHERS, origin, requests });
  const calm: WindowOutcome[] = [];
  const during: WindowOutcome[] = [];
  const times: number[] = [];
  const growths: number[] = [];
  try {
    await pause(watchSeconds);
    for (let round = 0; round < watchRounds; round++) {
      await others.cut();
      await pause(watchSeconds);
      calm.push(await others.cut());
      const growth = growthOf(pidOf(cluster.proxy));
      times.push(await readAll(cluster, fetchBytes));
      during.push(await others.cut());
      growths.push(growth());
    }
  } finally {
    await others.stop();
  }
  const failures = [...calm, ...during].reduce((sum, each) => sum + each.failures, 0);
  if (failures > 0) throw new Error(`${failures} other requests failed`);
  const row = (name: string, windows: readonly WindowOutcome[]) => [
    name,
    ...(['p50Ms', 'p99Ms', 'p999Ms'] as const).map((part) => median(windows.map((each) => each[part]))),
  ];
  const table: Table = {
    title: `Other requests during a GET /fetch of ${count} pairs`,
    note:
      `${OTHERS.requestsPerSecond} requests a second for single pairs, evenly, while everything is read in ` +
      `${(median(times) / 1000).toFixed(1)} s; medians of ${watchRounds} rounds. ` +
      grownBy(Math.max(...growths)),
    columns: [
      { title: '' },
      { title: 'p50', unit: 'ms' },
      { title: 'p99', unit: 'ms' },
      { title: 'p99.9', unit: 'ms' },
    ],
    rows: [row('without', calm), row('during', during)],
  };
  const waits = (windows: readonly WindowOutcome[]): number[] => windows.map(({ p99Ms }) => p99Ms);
  return {
    tables: [table],
    goals: [
      ...growthGoals(count, Math.max(...growths)),
      atMost(
        `others during a GET /fetch of ${count} pairs: p99 at most ${MOST_WAIT} times that without`,
        'ratio',
        ratios(waits(during), waits(calm)),
        MOST_WAIT,
      ),
    ],
  };
}

/** Where the system does not tell memory, there is no verdict. */
function growthGoals(count: string, growth: number): Goal[] {
  if (Number.isNaN(growth)) return [];
  const text = `GET /fetch of ${count} pairs: the proxy's RSS grows by at most 32 MiB`;
  return [atMost(text, 'MiB', growth, MOST_GROWTH)];
}

function grownBy(growth: number): string {
  return Number.isNaN(growth) ? '' : `The proxy's RSS grew by at most ${(growth / 2 ** 20).toFixed(0)} MiB.`;
}

/** From now on: by how much a process' memory has grown at its highest. */
function growthOf(pid: number): () => number {
  forgetPeak(pid);
  const before = residentBytes(pid);
  return () => peakResidentBytes(pid) - before;
}

function join(parts: readonly Findings[]): Findings {
  return { tables: parts.flatMap(({ tables }) => tables), goals: parts.flatMap(({ goals }) => goals) };
}
