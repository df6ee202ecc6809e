import type { ContestResult } from '../../harness/contest.js';
import { atLeast, atMost, type Goal, type Table } from '../../harness/report.js';
import { load, requestsFor } from '../ask.js';
import { raw, rawDeferred } from '../contenders/bare.js';
import { withRunning } from '../contenders/contender.js';
import { OPERATIONS, type Operation } from '../contenders/dialect.js';
import { kvsCluster, kvsNode } from '../contenders/kvs.js';
import { randomPairs } from '../pairs.js';
import { loadInRounds, toMeasurement, type ServerResult } from '../rounds.js';
import { cpuRatio, loadTable, speedRatio } from '../tables.js';
import type { ServersCase } from './case.js';

/** Requests about one key, by the proxy and by a node directly, beside a bare server. */
export const singleKey: ServersCase = {
  name: 'single-key',
  measure: ({ scale, generator, progress }) =>
    withRunning([raw, kvsNode(), kvsCluster(), rawDeferred], async (servers) => {
      const pairs = randomPairs(scale.keyCount);
      for (const server of servers) await load(server, pairs);
      const tables: Table[] = [];
      const goals: Goal[] = [];
      const measurements: ContestResult[] = [];
      for (const connections of scale.connectionCounts) {
        for (const operation of OPERATIONS) {
          const workload = `${operation} of one key, ${connections} connections`;
          progress(`${workload}…`);
          const entries = servers.map((server) => {
            return { server, requests: requestsFor(server, operation, pairs) };
          });
          const results = await loadInRounds(entries, {
            ...scale,
            generator,
            connections,
          });
          tables.push(loadTable(titleOf(operation, connections), NOTE, results));
          goals.push(...goalsOf(workload, results));
          measurements.push(...results.map((result) => toMeasurement(workload, result)));
        }
      }
      return { tables, goals, measurements };
    }),
};

const NOTE =
  'Keys of 16 and values of 100 bytes, each request about another key. Medians of rounds; ratios round by round.';

function titleOf(operation: Operation, connections: number): string {
  return `One key, ${operation}, ${connections} connections`;
}

/** The original did so many requests a second where raw did about so many, on one machine. */
const ORIGINAL_OF_RAW = 1_600 / 10_000;

function goalsOf(workload: string, [bare, node, proxy]: readonly ServerResult[]): Goal[] {
  if (bare === undefined || node === undefined || proxy === undefined) return [];
  const speed = speedRatio(proxy, bare);
  const cpu = cpuRatio(proxy, bare);
  return [
    atLeast(`${workload}, through the proxy: at least 0.85 of raw's requests/s`, 'ratio', speed, 0.85),
    // Where the system does not tell CPU times, there is no verdict.
    ...(Number.isNaN(cpu)
      ? []
      : [atMost(`${workload}, proxy and nodes: at most 1.4 times raw's CPU time`, 'ratio', cpu, 1.4)]),
    atLeast(
      `${workload}, a node directly: at least 0.9 of raw's requests/s`,
      'ratio',
      speedRatio(node, bare),
      0.9,
    ),
    atLeast(
      `${workload}, through the proxy: at least 5 times the original's requests/s, taken as 0.16 of raw's`,
      'times',
      speed / ORIGINAL_OF_RAW,
      5,
    ),
  ];
}
