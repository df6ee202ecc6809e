import { atMost } from '../../harness/report.js';
import { median } from '../../harness/statistics.js';
import { withRunning } from '../../servers/contenders.js';
import { randomPairs } from '../../servers/requests.js';
import { MeasuredCluster } from '../measured-cluster.js';
import { failuresOf, steadyTable, watchDuring, type Watched } from '../steady-load.js';
import type { ClusterCase } from './case.js';

const MAX_P99_MS = 100;

/** A node is drained: how requests fare meanwhile. */
export const drain: ClusterCase = {
  name: 'drain',
  measure: ({ scale, progress, proxyArgs = [] }) => {
    const start = () => MeasuredCluster.start({ copies: 2, nodeCount: 3, proxyArgs });
    return withRunning([{ start }], async ([cluster]) => {
      if (cluster === undefined) throw new TypeError('the cluster has not started');
      const pairs = randomPairs(scale.keyCount);
      await cluster.load(pairs);
      const rounds: Watched[] = [];
      const times: number[] = [];
      for (let round = 0; round < scale.drainRounds; round++) {
        progress(`a node is drained, ${round + 1} of ${scale.drainRounds}…`);
        const [node = ''] = cluster.nodeIds;
        const watched = await watchDuring(cluster.origin, pairs, scale, async () => {
          const startMs = performance.now();
          await cluster.drain(node);
          times.push(performance.now() - startMs);
        });
        rounds.push(watched);
        await cluster.addNode();
        await cluster.untilSettled();
      }
      const text = '1 of 3 nodes is drained under load';
      const note =
        `The drain takes ${(median(times) / 1000).toFixed(1)} s, and its end includes the end of the process. ` +
        `Medians of ${scale.drainRounds} rounds.`;
      const p99s = rounds.map(({ writes }) => writes.during.p99Ms);
      return {
        tables: [steadyTable('1 of 3 nodes is drained, 2 copies', note, rounds)],
        goals: [
          atMost(`${text}: no request fails`, 'count', failuresOf(rounds), 0),
          atMost(`${text}: p99 of writes at most ${MAX_P99_MS} ms`, 'ms', p99s, MAX_P99_MS),
        ],
      };
    });
  },
};
