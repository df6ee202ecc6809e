import { toMarkdown } from '../harness/markdown.js';
import { toChart } from './chart.js';
import { measureServers, serversSuite } from './servers-suite.js';
import { brief, tiny } from './testing/tiny.js';

const single = (connections: string): string[] =>
  ['Set', 'Query', 'Fetch'].map((operation) => `${operation} of one pair, ${connections}`);

const titlesOf: Readonly<Record<string, readonly string[]>> = {
  'single-key': single('2 connections'),
  latency: single('1 connection'),
  batches: ['Set of 100 pairs, 8 connections', 'Fetch of 100 pairs, 8 connections'],
  validation: ['Validation of 20 pairs'],
  'full-fetch': ['GET /fetch of 1,000 pairs', 'Other requests during a GET /fetch of 3,000 pairs'],
  'stopped-node': ['One of two nodes stopped by SIGSTOP'],
  peers: single('32 connections'),
  soak: ['0.1 minutes with 1,000 pairs'],
};

/** A case starts up to a dozen servers, one after the other. */
const CASE_TIMEOUT_MS = 600_000;

describe('the suite of servers', () => {
  it.each(Object.entries(titlesOf))(
    'measures %s: its tables are there, and no request fails',
    async (name, titles) => {
      const options = { scale: tiny, generator: brief, progress: () => undefined };
      const report = { ...(await measureServers(options, [name])), quick: true };
      expect(report.tables.map(({ title }) => title)).toEqual(titles);
      for (const { columns, rows } of report.tables) {
        expect(rows.length).toBeGreaterThan(0);
        for (const row of rows) expect(row).toHaveLength(columns.length);
      }
      expect(report.goals.length > 0).toBe(name !== 'peers');
      expect(toMarkdown(report)).not.toMatch(/NaN|undefined|Infinity/);
      expect(toChart(report)).not.toMatch(/NaN|undefined|Infinity/);
    },
    CASE_TIMEOUT_MS,
  );

  it('has no other cases', () => {
    expect(serversSuite.cases).toEqual(Object.keys(titlesOf));
  });
});

it('draws a bar for each server of a comparison, and none for other tables', () => {
  const table = {
    title: 'Set & query',
    columns: [{ title: '' }, { title: 'requests/s' }, { title: '× raw' }],
    rows: [
      ['raw', 100, 1],
      ['kvs, proxy and 2 nodes', 80, 0.8],
    ],
  };
  const other = { title: 'Other', columns: [{ title: 'time' }, { title: '× raw' }], rows: [[1, 2]] };
  const report = { suite: 'servers', quick: true, machine: '', measurements: [], goals: [] };
  const chart = toChart({ ...report, tables: [table, other] });
  expect(chart).toContain('Set &amp; query');
  expect(chart).toContain('>0.80</text>');
  expect(chart).not.toContain('Other');
});
