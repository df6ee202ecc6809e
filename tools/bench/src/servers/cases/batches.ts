import { atLeast } from '../../harness/report.js';
import { raw } from '../contenders/bare.js';
import { kvsCluster, kvsNode } from '../contenders/kvs.js';
import { speedRatios } from '../tables.js';
import { compareLoads } from './compare-loads.js';
import type { ServersCase } from './case.js';

const LEAST = 0.5;
const CONNECTIONS = 8;

/** Many pairs in a request. */
export const batches: ServersCase = {
  name: 'batches',
  measure: (options) =>
    compareLoads(options, {
      contenders: [raw, kvsNode(), kvsCluster()],
      connectionCounts: [CONNECTIONS],
      batchSizes: options.scale.batchSizes,
      operations: ['set', 'fetch'],
      goalsOf: (workload, [bare, , proxy]) => {
        if (bare === undefined || proxy === undefined) return [];
        const text = `${workload}, through the proxy: at least ${LEAST} of raw's items/s`;
        return [atLeast(text, 'ratio', speedRatios(proxy, bare), LEAST)];
      },
    }),
};
