import { atMost } from '../../harness/report.js';
import { ratios } from '../../harness/statistics.js';
import { raw } from '../contenders/bare.js';
import { kvsCluster, kvsNode } from '../contenders/kvs.js';
import { compareLoads } from './compare-loads.js';
import type { ServersCase } from './case.js';

const MOST = 2.2;

/** One connection with one request at a time: how long an answer takes when nothing else is asked. */
export const latency: ServersCase = {
  name: 'latency',
  measure: (options) =>
    compareLoads(options, {
      contenders: [raw, kvsNode(), kvsCluster()],
      connectionCounts: [1],
      goalsOf: (workload, [bare, , proxy]) => {
        if (bare === undefined || proxy === undefined) return [];
        const halves = ({ turns }: typeof bare) => turns.map(({ p50Ms }) => p50Ms);
        const text = `${workload}, p50 through the proxy: at most ${MOST} of raw's`;
        return [atMost(text, 'ratio', ratios(halves(proxy), halves(bare)), MOST)];
      },
    }),
};
