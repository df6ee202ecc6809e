import { setTimeout } from 'node:timers/promises';
import { EtcdProcess, hasEtcd } from '@kvs/topology-etcd/testing';
import type { Case } from '../../harness/case.js';
import { atMost } from '../../harness/report.js';
import { withRunning } from '../../servers/contenders.js';
import { SteadyLoad } from '../../servers/load/steady-load.js';
import { randomPairs } from '../../servers/requests.js';
import { MeasuredCluster } from '../measured-cluster.js';
import type { ClusterCaseOptions } from '../scale.js';

/** etcd, which keeps the topology, is paused for a while: how requests fare meanwhile. Without etcd there is no verdict. */
export const storeAway: Case<ClusterCaseOptions> = {
  name: 'store-away',
  measure: async ({ scale, progress, proxyArgs = [] }) => {
    if (!hasEtcd()) {
      progress('etcd is not on the PATH: its absence is not measured');
      return { tables: [], goals: [] };
    }
    const text = `etcd is paused for ${scale.awaySeconds} s`;
    progress(`${text}…`);
    return withRunning([EtcdProcess], ([etcd]) => {
      if (etcd === undefined) throw new TypeError('etcd has not started');
      const topology = `etcd:${etcd.url}`;
      const start = () => MeasuredCluster.start({ copies: 2, nodeCount: 3, topology, proxyArgs });
      return withRunning([{ start }], async ([cluster]) => {
        if (cluster === undefined) throw new TypeError('the cluster has not started');
        const steady = new SteadyLoad(['set', 'fetch'], scale);
        const pairs = randomPairs(scale.keyCount);
        await cluster.load(pairs);
        await steady.during(cluster.origin, pairs, async () => {
          etcd.child.kill('SIGSTOP');
          await setTimeout(scale.awaySeconds * 1000);
          etcd.child.kill('SIGCONT');
        });
        const note = 'The topology is in an etcd of one server. SIGSTOP pauses it, SIGCONT resumes it.';
        return {
          tables: [steady.table(`${text}, 3 nodes, 2 copies`, note)],
          goals: [atMost(`${text}: no request fails`, 'count', steady.failures, 0)],
        };
      });
    });
  },
};
