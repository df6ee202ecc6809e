import { hasEtcd } from '@kvs/topology-etcd/testing';
import { toMarkdown } from '../harness/markdown.js';
import { nodeClient } from '../servers/load/generators.js';
import { clusterSuite, measureCluster } from './cluster-suite.js';
import type { ClusterRunSize } from './run-size.js';

/** The smallest run that uses everything. */
const tiny: ClusterRunSize = {
  keyCount: 200,
  connections: 2,
  rounds: 2,
  turnSeconds: 0.05,
  warmUpSeconds: 0.05,
  killRounds: 1,
  drainRounds: 1,
  joinedPairs: 5000,
  joinRounds: 1,
  measuredPairs: 5000,
  watchSeconds: 0.2,
  awaySeconds: 0.5,
};

const titlesOf: Readonly<Record<string, readonly string[]>> = {
  copies: ['set of one pair, 2 connections, 2 nodes', 'fetch of one pair, 2 connections, 2 nodes'],
  kill: [],
  drain: ['1 of 3 nodes is drained, 2 copies'],
  join: ['Other requests while a node joins 2 with 5,000 pairs'],
  'store-away': hasEtcd() ? ['etcd is paused for 0.5 s, 3 nodes, 2 copies'] : [],
};

/** Long, because processes stand still for seconds on a busy machine. */
const WAITS = ['--failover-wait-ms', '60000', '--node-timeout-ms', '60000'];

/** A case starts up to six processes and fills nodes, also on a busy machine. */
const CASE_TIMEOUT_MS = 600_000;

/** The others wait until thousands of partitions have moved, which takes minutes on a busy machine. */
const TRIED = ['copies', 'kill', 'store-away'];

describe('the suite of clusters', () => {
  it.each(Object.entries(titlesOf).filter(([name]) => TRIED.includes(name)))(
    'measures %s',
    async (name, titles) => {
      const options = { runSize: tiny, generator: nodeClient, progress: () => undefined, proxyArgs: WAITS };
      const report = await measureCluster(options, [name]);
      expect(report.tables.map(({ title }) => title)).toEqual(titles);
      for (const { columns, rows } of report.tables) {
        expect(rows.length).toBeGreaterThan(0);
        for (const row of rows) expect(row).toHaveLength(columns.length);
      }
      expect(report.goals.length > 0).toBe(name !== 'store-away' || hasEtcd());
      expect(toMarkdown(report)).not.toMatch(/NaN|undefined|Infinity/);
    },
    CASE_TIMEOUT_MS,
  );

  it('has no other cases', () => {
    expect(clusterSuite.cases).toEqual(Object.keys(titlesOf));
  });
});
