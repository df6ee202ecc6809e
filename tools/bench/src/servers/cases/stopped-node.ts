import { atLeast, atMost, type Findings } from '../../harness/report.js';
import { median, ratios } from '../../harness/statistics.js';
import { load, requestsFor } from '../ask.js';
import { startCluster, type RunningCluster } from '../contenders/kvs.js';
import { LoadProcess } from '../load/load-process.js';
import type { WindowOutcome } from '../load/window.js';
import { pairsByNode } from '../owners.js';
import { randomPairs } from '../pairs.js';
import type { CaseOptions, ServersCase } from './case.js';
import { pause } from './pause.js';

const CONNECTIONS_OF_A_GROUP = 16;
const LEAST_THROUGHPUT = 0.9;
const MOST_WAIT = 2;

/** One of two nodes stops in its tracks under load: what those who need the other one notice. */
export const stoppedNode: ServersCase = {
  name: 'stopped-node',
  measure: async (options) => {
    const cluster = await startCluster();
    try {
      return findingsOf(await watch(cluster, options), options);
    } finally {
      // This ends the one that is stopped, too.
      await cluster.stop();
    }
  },
};

interface Round {
  readonly before: WindowOutcome;
  readonly during: WindowOutcome;
}

async function watch(cluster: RunningCluster, { scale, progress }: CaseOptions): Promise<Round[]> {
  const { watchSeconds, watchRounds, keyCount } = scale;
  progress('one of two nodes stopped…');
  const pairs = randomPairs(keyCount);
  await load(cluster, pairs);
  const [kept, stopped] = pairsByNode(cluster.nodes, pairs);
  if (kept === undefined || stopped === undefined) throw new TypeError('there are not two nodes');
  const start = (group: typeof kept): Promise<LoadProcess> =>
    LoadProcess.start({
      origin: cluster.origin,
      requests: requestsFor(cluster, 'fetch', group.pairs),
      connections: CONNECTIONS_OF_A_GROUP,
    });
  const loads: LoadProcess[] = [];
  const rounds: Round[] = [];
  try {
    const keptLoad = await start(kept);
    loads.push(keptLoad);
    const stoppedLoad = await start(stopped);
    loads.push(stoppedLoad);
    await pause(watchSeconds);
    for (let round = 0; round < watchRounds; round++) {
      await keptLoad.cut();
      await pause(watchSeconds);
      const before = await keptLoad.cut();
      stopped.node.process.signal('SIGSTOP');
      await pause(watchSeconds);
      const during = await keptLoad.cut();
      stopped.node.process.signal('SIGCONT');
      if (before.failures + during.failures > 0)
        throw new Error(
          `${before.failures} requests failed before, ${during.failures} while a node was stopped`,
        );
      rounds.push({ before, during });
      await untilAnswered(stoppedLoad);
      await pause(watchSeconds);
    }
    return rounds;
  } finally {
    for (const each of loads) await each.stop();
  }
}

/** Until the node that was stopped serves again, or the next round would measure something else. */
async function untilAnswered(load: LoadProcess): Promise<void> {
  await load.cut();
  for (let attempt = 0; attempt < 600; attempt++) {
    await pause(0.1);
    const { perSecond } = await load.cut();
    if (perSecond > 0) return;
  }
  throw new Error('the node does not answer after SIGCONT');
}

function findingsOf(rounds: readonly Round[], { scale }: CaseOptions): Findings {
  const before = rounds.map((round) => round.before);
  const during = rounds.map((round) => round.during);
  const seconds = scale.watchSeconds;
  const of = (windows: readonly WindowOutcome[], part: keyof WindowOutcome): number[] =>
    windows.map((each) => each[part]);
  const row = (name: string, windows: readonly WindowOutcome[]) => [
    name,
    ...(['perSecond', 'p50Ms', 'p99Ms', 'p999Ms'] as const).map((part) => median(of(windows, part))),
  ];
  return {
    tables: [
      {
        title: 'One of two nodes stopped by SIGSTOP',
        note:
          `Fetches of single pairs of the other node, over ${CONNECTIONS_OF_A_GROUP} connections, while as many ask for ` +
          `pairs of the one that stops: ${seconds} s before it and the ${seconds} s from then on. Medians of ` +
          `${before.length} rounds.`,
        columns: [
          { title: '' },
          { title: 'requests/s', unit: 'count' },
          { title: 'p50', unit: 'ms' },
          { title: 'p99', unit: 'ms' },
          { title: 'p99.9', unit: 'ms' },
        ],
        rows: [row('before', before), row('while it is stopped', during)],
      },
    ],
    goals: [
      atLeast(
        `a node is stopped: requests for the other keep at least ${LEAST_THROUGHPUT} of their requests/s`,
        'ratio',
        ratios(of(during, 'perSecond'), of(before, 'perSecond')),
        LEAST_THROUGHPUT,
      ),
      atMost(
        `a node is stopped: p99 of requests for the other at most ${MOST_WAIT} times that before`,
        'ratio',
        ratios(of(during, 'p99Ms'), of(before, 'p99Ms')),
        MOST_WAIT,
      ),
    ],
  };
}
