import { Agent } from 'node:http';
import { PARTITION_COUNT, partitionOf, stringKey } from '@kvs/protocol';
import { until } from '@kvs/protocol/testing';
import type { Case } from '../../harness/case.js';
import { atMost } from '../../harness/report.js';
import { using } from '../../harness/using.js';
import { ask, requestsFor, type Pair, type PreparedRequest } from '../../servers/requests.js';
import { MeasuredCluster } from '../measured-cluster.js';
import type { ClusterCaseOptions } from '../run-size.js';

const MAX_MS = 4000;

/** A node is killed: the time until a key of every partition can be written and read again. */
export const kill: Case<ClusterCaseOptions> = {
  name: 'kill',
  measure: async ({ runSize: { killRounds }, progress, proxyArgs }) =>
    using(await MeasuredCluster.start({ copies: 2, nodeCount: 3, proxyArgs }), async (cluster) => {
      const pairs = pairOfEachPartition();
      await cluster.load(pairs);
      const requests = [
        ...requestsFor('set', pairs, pairs.length),
        ...requestsFor('fetch', pairs, pairs.length),
      ];
      const times: number[] = [];
      for (let round = 0; round < killRounds; round++) {
        progress(`a node is killed, ${round + 1} of ${killRounds}…`);
        const node = cluster.nodeIds[round % cluster.nodeIds.length] ?? '';
        const startMs = performance.now();
        const ended = cluster.kill(node);
        await untilAnswered(cluster.origin, requests);
        times.push(performance.now() - startMs);
        await ended;
        await cluster.restart(node);
        await cluster.untilSettled();
      }
      const text = `1 of 3 nodes is killed: all partitions serve again within ${MAX_MS / 1000} s`;
      return { tables: [], goals: [atMost(text, 'ms', times, MAX_MS)] };
    }),
};

function pairOfEachPartition(): Pair[] {
  const pairs = new Map<number, Pair>();
  for (let at = 0; pairs.size < PARTITION_COUNT; at++) {
    const key = `key-${at}`;
    const partition = partitionOf(stringKey(key));
    if (!pairs.has(partition)) pairs.set(partition, { key, value: key });
  }
  return [...pairs.values()];
}

/** Sends the requests one after the other, and all of them again until all are answered rightly. */
async function untilAnswered(origin: string, requests: readonly PreparedRequest[]): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const isAnswered = async (request: PreparedRequest): Promise<boolean> => {
    const { status, body } = await ask(origin, request, agent);
    return status === 200 && request.isRight(body);
  };
  const areAnswered = async (): Promise<boolean> => {
    for (const request of requests) if (!(await isAnswered(request))) return false;
    return true;
  };
  try {
    const explain = (): string => 'partitions of a killed node are not served again';
    await until(areAnswered, explain, { limitMs: 60_000, maxPauseMs: 10 });
  } finally {
    agent.destroy();
  }
}
