import { toMarkdown } from '../harness/markdown.js';
import type { Table } from '../harness/report.js';
import { workspaceRoot } from '@kvs-tools/local-cluster';
import { toChart } from './chart.js';
import { loadGenerator, nodeClient, wrk } from './load/generators.js';
import type { LoadGenerator } from './load/load.js';
import { raw, withRunning } from './contenders.js';
import { hasWrk } from './load/wrk.js';
import { load, randomPairs, requestsFor } from './requests.js';
import type { ServersRunSize } from './run-size.js';
import { measureServers, serversSuite } from './servers-suite.js';

/** The smallest run that uses everything. */
const tiny: ServersRunSize = {
  keyCount: 200,
  rounds: 2,
  turnSeconds: 0.05,
  warmUpSeconds: 0.05,
  connectionCounts: [2],
  batchSizes: [100],
  fetchedPairs: 1000,
  fetchRounds: 2,
  manyPairs: 3000,
  watchRounds: 1,
  watchSeconds: 0.2,
};

const single = (connections: string): string[] =>
  ['set', 'query', 'fetch'].map((operation) => `${operation} of one pair, ${connections}`);

const titlesOf: Readonly<Record<string, readonly string[]>> = {
  'single-key': single('2 connections'),
  latency: single('1 connection'),
  batches: ['set of 100 pairs, 8 connections', 'fetch of 100 pairs, 8 connections'],
  'full-fetch': ['Other requests during a GET /fetch of 3,000 pairs'],
};

/** A case starts up to seven processes one after the other, also on a busy machine. */
const CASE_TIMEOUT_MS = 600_000;

describe('the suite of servers', () => {
  it.each(Object.entries(titlesOf))(
    'measures %s, compares with a baseline, and no request fails',
    async (name, titles) => {
      const options = { runSize: tiny, generator: nodeClient, progress: () => undefined };
      const report = await measureServers({ ...options, baseline: workspaceRoot }, [name]);
      expect(report.tables.map(({ title }) => title)).toEqual(titles);
      for (const { columns, rows } of report.tables) {
        expect(rows.length).toBeGreaterThan(0);
        for (const row of rows) expect(row).toHaveLength(columns.length);
      }
      expect(report.goals.length).toBeGreaterThan(0);
      const markdown = toMarkdown(report);
      expect(markdown).toContain('baseline');
      expect(markdown).not.toMatch(/NaN|undefined|Infinity/);
      expect(toChart(report)).not.toMatch(/NaN|undefined|Infinity/);
    },
    CASE_TIMEOUT_MS,
  );

  it('has no other cases', () => {
    expect(serversSuite.cases).toEqual(Object.keys(titlesOf));
  });
});

it('draws a bar for each server of a comparison, and none for other tables', () => {
  const table: Table = {
    title: 'set & query',
    columns: [{ title: '' }, { title: 'requests/s' }, { title: '× raw' }],
    rows: [
      ['raw', 100, 1],
      ['kvs, proxy and 2 nodes', 80, 0.8],
    ],
  };
  const other = { title: 'Other', columns: [{ title: 'time' }, { title: '× raw' }], rows: [[1, 2]] };
  const chart = toChart({
    suite: 'servers',
    machine: '',
    goals: [],
    tables: [table, other],
  });
  expect(chart).toContain('set &amp; query');
  expect(chart).toContain('>0.80</text>');
  expect(chart).not.toContain('Other');
});

describe('load generators', () => {
  const pairs = randomPairs(20);

  const expectToCount = (generator: LoadGenerator) =>
    withRunning([raw], async ([server]) => {
      if (server === undefined) throw new TypeError('raw has not started');
      await load(server, pairs);
      const { origin } = server;
      const requests = requestsFor('fetch', pairs, 1);
      const good = await generator.run({ origin, requests, connections: 2, seconds: 1 });
      expect(good.failures).toBe(0);
      expect(good.requests).toBeGreaterThan(0);
      expect(good.p50Ms).toBeLessThanOrEqual(good.p99Ms);

      const unknown = requests.map((request) => ({ ...request, path: '/nowhere' }));
      const bad = await generator.run({ origin, requests: unknown, connections: 2, seconds: 1 });
      expect(bad.failures).toBeGreaterThan(0);
    });

  it('count good answers and errors, with node:http', () => expectToCount(nodeClient));

  if (hasWrk() || process.env['KVS_REQUIRE_TOOLS'] === '1') {
    it('count good answers and errors, with wrk', () => expectToCount(wrk));
  } else {
    it('use node:http where wrk is not on the PATH', () => expect(loadGenerator()).toBe(nodeClient));
  }
});
