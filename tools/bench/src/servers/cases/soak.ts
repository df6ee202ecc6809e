import { atMost, type Findings } from '../../harness/report.js';
import { quantile } from '../../harness/statistics.js';
import { requestsFor, verify } from '../ask.js';
import { OPERATIONS, type PreparedRequest } from '../contenders/dialect.js';
import { startCluster, type RunningCluster } from '../contenders/kvs.js';
import { SocketLoad } from '../load/socket-load.js';
import { AnswerWindow } from '../load/window.js';
import { loadNodes } from '../owners.js';
import { randomPairs } from '../pairs.js';
import { known } from '../tables.js';
import { residentBytes } from '../processes.js';
import type { CaseOptions, ServersCase } from './case.js';
import { pause } from './pause.js';

const CONNECTIONS = 32;
const LOAD = 0.7;
const MOST_WAIT = 20;
const MOST_GROWTH = 1.05;

/** A long time at a part of what is possible: whether waits stay short and memory stays what it is. */
export const soak: ServersCase = {
  name: 'soak',
  measure: async (options) => {
    if (options.scale.soakSeconds === 0) return { tables: [], goals: [] };
    const cluster = await startCluster();
    try {
      return await soakCluster(cluster, options);
    } finally {
      await cluster.stop();
    }
  },
};

async function soakCluster(cluster: RunningCluster, { scale, progress }: CaseOptions): Promise<Findings> {
  const { soakedPairs, soakSeconds, keyCount, watchSeconds } = scale;
  const count = soakedPairs.toLocaleString('en');
  progress(`soak with ${count} pairs for ${soakSeconds} s…`);
  const pairs = randomPairs(soakedPairs);
  await loadNodes(cluster, pairs);
  // A tenth of the keys, spread over all: every request is held in memory here.
  const asked = pairs.filter((_pair, at) => at % Math.ceil(soakedPairs / (10 * keyCount)) === 0);
  const kinds = OPERATIONS.map((operation) => requestsFor(cluster, operation, asked));
  const requests: PreparedRequest[] = asked.flatMap((_pair, at) => kinds[at % kinds.length]?.[at] ?? []);
  await verify(cluster, requests);

  const window = new AnswerWindow();
  const base = { origin: cluster.origin, requests, connections: CONNECTIONS, onAnswer: window.take };
  const fastest = await SocketLoad.start(base);
  await pause(watchSeconds);
  window.cut();
  await pause(watchSeconds);
  const most = window.cut().perSecond;
  fastest.stop();

  const requestsPerSecond = LOAD * most;
  const steady = await SocketLoad.start({ ...base, requestsPerSecond });
  const resident: number[] = [];
  try {
    await pause(watchSeconds);
    window.cut();
    for (let second = 0; second < soakSeconds; second++) {
      await pause(1);
      resident.push(cluster.processes.reduce((sum, { pid }) => sum + residentBytes(pid), 0));
    }
  } finally {
    steady.stop();
  }
  const { perSecond, failures, p50Ms, p99Ms, p999Ms } = window.cut();
  if (failures > 0) throw new Error(`${failures} requests failed`);
  await verify(cluster, requests);
  const third = Math.floor(resident.length / 3);
  const middle = quantile(resident.slice(third, 2 * third), 0.5);
  const last = quantile(resident.slice(2 * third), 0.5);
  return {
    tables: [
      {
        title: `${(soakSeconds / 60).toFixed(1)} minutes with ${count} pairs`,
        note:
          `Sets, queries and fetches of single pairs in equal parts, evenly at ${100 * LOAD}% of the ` +
          `${Math.round(most).toLocaleString('en')} requests/s that ${CONNECTIONS} connections got as fast as they ` +
          'could. RSS is that of proxy and nodes together, the median of the middle and of the last third of the time.',
        columns: [
          { title: 'requests/s', unit: 'count' },
          { title: 'p50', unit: 'ms' },
          { title: 'p99', unit: 'ms' },
          { title: 'p99.9', unit: 'ms' },
          { title: 'RSS, middle third', unit: 'MB' },
          { title: 'RSS, last third', unit: 'MB' },
        ],
        rows: [[perSecond, p50Ms, p99Ms, p999Ms, known(middle), known(last)]],
      },
    ],
    goals: [
      atMost(`soak: p99.9 at most ${MOST_WAIT} times p50`, 'ratio', p999Ms / p50Ms, MOST_WAIT),
      // Where the system does not tell memory, there is no verdict.
      ...(Number.isNaN(last)
        ? []
        : [
            atMost(
              `soak: RSS of the last third at most ${MOST_GROWTH} of that of the middle third`,
              'ratio',
              last / middle,
              MOST_GROWTH,
            ),
          ]),
    ],
  };
}
