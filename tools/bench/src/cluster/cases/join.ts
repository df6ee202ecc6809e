import type { Case } from '../../harness/case.js';
import { atLeast, atMost } from '../../harness/report.js';
import { median } from '../../harness/statistics.js';
import { using } from '../../harness/using.js';
import { REQUESTS_OF, SteadyLoad } from '../../servers/load/steady-load.js';
import { MeasuredCluster } from '../measured-cluster.js';
import type { ClusterCaseOptions } from '../run-size.js';

const MIN_PAIRS_PER_SECOND = 100_000;
const MAX_WAIT = 5;

/** The fill of a node that joined. */
interface Fill {
  readonly pairs: number;
  readonly ms: number;
}

interface Round {
  readonly idle: Fill;
  readonly loaded: Fill;
}

/** A node joins two others: how fast it is filled, and how requests fare meanwhile. */
export const join: Case<ClusterCaseOptions> = {
  name: 'join',
  measure: async (options) => {
    const { joinedPairs, joinRounds } = options.runSize;
    const count = joinedPairs.toLocaleString('en');
    const steady = new SteadyLoad(['set', 'fetch'], options.runSize);
    const rounds: Round[] = [];
    for (let round = 0; round < joinRounds; round++) {
      options.progress(`a node joins 2 with ${count} pairs, ${round + 1} of ${joinRounds}…`);
      rounds.push(await takeRound(options, steady));
    }
    const text = `a node joins 2 with ${count} pairs`;
    const seconds = (kind: keyof Round) => (median(rounds.map((round) => round[kind].ms)) / 1000).toFixed(1);
    const note =
      `The fill takes ${seconds('loaded')} s, and ${seconds('idle')} s without load. ` +
      `Medians of ${joinRounds} rounds.`;
    return {
      tables: [steady.table(`Other requests while a node joins 2 with ${count} pairs`, note)],
      goals: [
        atLeast(
          `${text}: at least ${MIN_PAIRS_PER_SECOND.toLocaleString('en')} pairs/s`,
          'count',
          rounds.map(({ idle }) => perSecond(idle)),
          MIN_PAIRS_PER_SECOND,
        ),
        ...(['set', 'fetch'] as const).map((operation) =>
          atMost(
            `${text} under load: p99 of ${REQUESTS_OF[operation]} at most ${MAX_WAIT} times that without`,
            'ratio',
            steady.p99Ratios(operation),
            MAX_WAIT,
          ),
        ),
        atMost(`${text} under load: no request fails`, 'count', steady.failures, 0),
      ],
    };
  },
};

async function takeRound(
  { runSize, progress, proxyArgs }: ClusterCaseOptions,
  steady: SteadyLoad,
): Promise<Round> {
  return using(await MeasuredCluster.start({ copies: 2, nodeCount: 2, proxyArgs }), async (cluster) => {
    const sample = await cluster.fill(runSize.joinedPairs, runSize.keyCount);
    const first = await fillNode(cluster);
    await cluster.untilSettled();
    await cluster.drain(first.id);
    progress('the same under load…');
    let loaded: Fill = first;
    await steady.during(cluster.origin, sample, async () => {
      loaded = await fillNode(cluster);
    });
    return { idle: first, loaded };
  });
}

/** Adds a node, and returns how many pairs it got, in how many milliseconds since it listened. */
async function fillNode(cluster: MeasuredCluster): Promise<Fill & { readonly id: string }> {
  const id = await cluster.addNode();
  const startMs = performance.now();
  await cluster.untilFilled(id);
  const ms = performance.now() - startMs;
  return { id, ms, pairs: await cluster.pairsOf(id) };
}

function perSecond({ pairs, ms }: Fill): number {
  return (pairs / ms) * 1000;
}
