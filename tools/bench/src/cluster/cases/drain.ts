import type { Case } from '../../harness/case.js';
import { atMost } from '../../harness/report.js';
import { median } from '../../harness/statistics.js';
import { using } from '../../harness/using.js';
import { SteadyLoad } from '../../servers/load/steady-load.js';
import { randomPairs } from '../../servers/requests.js';
import { MeasuredCluster } from '../measured-cluster.js';
import type { ClusterCaseOptions } from '../run-size.js';

const MAX_P99_MS = 100;

/** A node is drained: how requests fare meanwhile. */
export const drain: Case<ClusterCaseOptions> = {
  name: 'drain',
  measure: async ({ runSize, progress, proxyArgs }) =>
    using(await MeasuredCluster.start({ copies: 2, nodeCount: 3, proxyArgs }), async (cluster) => {
      const pairs = randomPairs(runSize.keyCount);
      await cluster.load(pairs);
      const steady = new SteadyLoad(['set', 'fetch'], runSize);
      const times: number[] = [];
      for (let round = 0; round < runSize.drainRounds; round++) {
        progress(`a node is drained, ${round + 1} of ${runSize.drainRounds}…`);
        const [node = ''] = cluster.nodeIds;
        await steady.during(cluster.origin, pairs, async () => {
          const startMs = performance.now();
          await cluster.drain(node);
          times.push(performance.now() - startMs);
        });
        await cluster.addNode();
        await cluster.untilSettled();
      }
      const text = '1 of 3 nodes is drained under load';
      const note =
        `The drain takes ${(median(times) / 1000).toFixed(1)} s, and its end includes the end of the process. ` +
        `Medians of ${runSize.drainRounds} rounds.`;
      return {
        tables: [steady.table('1 of 3 nodes is drained, 2 copies', note)],
        goals: [
          atMost(`${text}: no request fails`, 'count', steady.failures, 0),
          atMost(
            `${text}: p99 of writes at most ${MAX_P99_MS} ms`,
            'ms',
            steady.p99s('set', 'during'),
            MAX_P99_MS,
          ),
        ],
      };
    }),
};
