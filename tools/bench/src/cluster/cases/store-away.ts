import { setTimeout } from 'node:timers/promises';
import { EtcdProcess, hasEtcd } from '@kvs/topology-etcd/testing';
import type { Case } from '../../harness/case.js';
import { atMost } from '../../harness/report.js';
import { using } from '../../harness/using.js';
import { SteadyLoad } from '../../servers/load/steady-load.js';
import { randomPairs } from '../../servers/requests.js';
import { MeasuredCluster } from '../measured-cluster.js';
import type { ClusterCaseOptions } from '../run-size.js';

/** etcd, which keeps the topology, is paused for a while: how requests fare meanwhile. Without etcd there is no verdict. */
export const storeAway: Case<ClusterCaseOptions> = {
  name: 'store-away',
  measure: async ({ runSize, progress, proxyArgs }) => {
    if (!hasEtcd()) {
      progress('etcd is not on the PATH: its absence is not measured');
      return { tables: [], goals: [] };
    }
    const text = `etcd is paused for ${runSize.awaySeconds} s`;
    progress(`${text}…`);
    return using(await EtcdProcess.start(), async (etcd) => {
      const topology = `etcd:${etcd.url}`;
      return using(
        await MeasuredCluster.start({ copies: 2, nodeCount: 3, topology, proxyArgs }),
        async (cluster) => {
          const steady = new SteadyLoad(['set', 'fetch'], runSize);
          const pairs = randomPairs(runSize.keyCount);
          await cluster.load(pairs);
          await steady.during(cluster.origin, pairs, async () => {
            etcd.pause();
            await setTimeout(runSize.awaySeconds * 1000);
            etcd.resume();
          });
          const note = 'The topology is in an etcd of one server. SIGSTOP pauses it, SIGCONT resumes it.';
          return {
            tables: [steady.table(`${text}, 3 nodes, 2 copies`, note)],
            goals: [atMost(`${text}: no request fails`, 'count', steady.failures, 0)],
          };
        },
      );
    });
  },
};
