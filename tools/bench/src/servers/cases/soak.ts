import { atMost, type Cell, type Findings, type Goal } from '../../harness/report.js';
import { quantile } from '../../harness/statistics.js';
import { requestsFor, verify } from '../ask.js';
import { raw } from '../contenders/bare.js';
import { withRunning, type RunningContender } from '../contenders/contender.js';
import { OPERATIONS } from '../contenders/dialect.js';
import { startCluster } from '../contenders/kvs.js';
import { fillNodes, type FilledNode } from '../fill-nodes.js';
import { LoadProcess, type LoadProcessOptions } from '../load/load-process.js';
import type { WindowOutcome } from '../load/window.js';
import { residentBytes } from '../processes.js';
import { known } from '../tables.js';
import type { CaseOptions, ServersCase } from './case.js';
import { pause } from './pause.js';

const CONNECTIONS = 32;
const LOAD = 0.7;
const MOST_WAIT = 20;
const MOST_GROWTH = 1.05;

/**
 * A long time at a part of what is possible: whether waits stay short and memory stays what it is. Raw has the same for
 * a part of the time, with as many pairs and with few: nobody's waits are shorter than the machine lets them be.
 */
export const soak: ServersCase = {
  name: 'soak',
  measure: async (options) => {
    const { soakSeconds, soakedPairs, keyCount } = options.scale;
    if (soakSeconds === 0) return { tables: [], goals: [] };
    const briefly = Math.ceil(soakSeconds / 4);
    const soaked = [
      await soakCluster(soakedPairs, soakSeconds, options),
      await soakRaw(soakedPairs, briefly, options),
      await soakRaw(keyCount, briefly, options),
    ];
    return findingsOf(soaked);
  },
};

interface Soaked {
  readonly name: string;
  readonly pairCount: number;
  readonly seconds: number;
  /** Requests that it answered in a second when connections sent them as fast as they could. */
  readonly most: number;
  readonly outcome: WindowOutcome;
  /** The memory of all its processes together, in bytes, second by second. */
  readonly resident: readonly number[];
}

async function soakCluster(pairCount: number, seconds: number, options: CaseOptions): Promise<Soaked> {
  const cluster = await startCluster();
  try {
    return await soakServer(cluster, cluster.nodes, pairCount, seconds, options);
  } finally {
    await cluster.stop();
  }
}

function soakRaw(pairCount: number, seconds: number, options: CaseOptions): Promise<Soaked> {
  return withRunning([raw], ([server]) => {
    if (server === undefined) throw new TypeError('raw has not started');
    return soakServer(server, [{ address: new URL(server.origin).host }], pairCount, seconds, options);
  });
}

async function soakServer(
  server: RunningContender,
  nodes: readonly FilledNode[],
  pairCount: number,
  seconds: number,
  { scale, progress }: CaseOptions,
): Promise<Soaked> {
  const { keyCount, watchSeconds } = scale;
  const { name, origin, processes } = server;
  progress(`soak of ${name} with ${pairCount.toLocaleString('en')} pairs for ${seconds} s…`);
  // Not more keys, for every request is held in memory.
  const { sample } = await fillNodes(nodes, { drawn: pairCount, sampleCount: 10 * keyCount });
  const requests = sample.flatMap((pair, at) => {
    const operation = OPERATIONS[at % OPERATIONS.length];
    return operation === undefined ? [] : requestsFor(server, operation, [pair]);
  });
  await verify(server, requests);

  const load = { origin, requests, connections: CONNECTIONS };
  // Long enough that garbage is collected in it as it is later.
  const mostSeconds = Math.max(watchSeconds, seconds / 20);
  const { perSecond: most } = await measureLoad(load, watchSeconds, () => pause(mostSeconds));
  const resident: number[] = [];
  const steady = { ...load, requestsPerSecond: LOAD * most };
  const outcome = await measureLoad(steady, watchSeconds, async () => {
    for (let second = 0; second < seconds; second++) {
      await pause(1);
      resident.push(processes.reduce((sum, { pid }) => sum + residentBytes(pid), 0));
    }
  });
  if (outcome.failures > 0) throw new Error(`${outcome.failures} requests failed`);
  await verify(server, requests);
  return { name, pairCount, seconds, most, outcome, resident };
}

/** What is answered in the time that something takes, after some seconds to get warm. */
async function measureLoad(
  options: LoadProcessOptions,
  warmUpSeconds: number,
  meanwhile: () => Promise<void>,
): Promise<WindowOutcome> {
  const load = await LoadProcess.start(options);
  try {
    await pause(warmUpSeconds);
    await load.cut();
    await meanwhile();
    return await load.cut();
  } finally {
    await load.stop();
  }
}

function findingsOf(soaked: readonly Soaked[]): Findings {
  const [kvs] = soaked;
  if (kvs === undefined) throw new TypeError('nothing was soaked');
  return {
    tables: [
      {
        title: `${(kvs.seconds / 60).toFixed(1)} minutes with ${kvs.pairCount.toLocaleString('en')} pairs`,
        note:
          `Sets, queries and fetches of single pairs in equal parts, evenly at ${100 * LOAD}% of the requests/s that ` +
          `each got over ${CONNECTIONS} connections as fast as they could. Raw for a quarter of the time. RSS is that ` +
          'of all processes of a server, the median of the middle and of the last third of the time.',
        columns: [
          { title: '' },
          { title: 'pairs', unit: 'count' },
          { title: 'requests/s', unit: 'count' },
          { title: 'p50', unit: 'ms' },
          { title: 'p99', unit: 'ms' },
          { title: 'p99.9', unit: 'ms' },
          { title: 'p99.9 by p50', unit: 'ratio' },
          { title: 'RSS, middle third', unit: 'MB' },
          { title: 'RSS, last third', unit: 'MB' },
        ],
        rows: soaked.map(rowOf),
      },
    ],
    goals: goalsOf(kvs),
  };
}

function rowOf({ name, pairCount, outcome, resident }: Soaked): Cell[] {
  const { perSecond, p50Ms, p99Ms, p999Ms } = outcome;
  const { middle, last } = thirds(resident);
  return [name, pairCount, perSecond, p50Ms, p99Ms, p999Ms, p999Ms / p50Ms, known(middle), known(last)];
}

function goalsOf({ outcome, resident }: Soaked): Goal[] {
  const { p50Ms, p999Ms } = outcome;
  const { middle, last } = thirds(resident);
  const waits = atMost(`soak: p99.9 at most ${MOST_WAIT} times p50`, 'ratio', p999Ms / p50Ms, MOST_WAIT);
  // Where the system does not tell memory, there is no verdict.
  if (Number.isNaN(last)) return [waits];
  const text = `soak: RSS of the last third at most ${MOST_GROWTH} of that of the middle third`;
  return [waits, atMost(text, 'ratio', last / middle, MOST_GROWTH)];
}

function thirds(resident: readonly number[]): { readonly middle: number; readonly last: number } {
  const third = Math.floor(resident.length / 3);
  return {
    middle: quantile(resident.slice(third, 2 * third), 0.5),
    last: quantile(resident.slice(2 * third), 0.5),
  };
}
