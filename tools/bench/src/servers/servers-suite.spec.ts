import { toMarkdown } from '../harness/markdown.js';
import { toChart } from './chart.js';
import { measureServers } from './servers-suite.js';
import { brief, tiny } from './testing/tiny.js';

it('measures all cases of servers, each with its tables and goals, and no request fails', async () => {
  const found = await measureServers({ scale: tiny, generator: brief, progress: () => undefined });
  const report = { ...found, quick: true };
  const titles = report.tables.map(({ title }) => title);
  expect(titles).toEqual([
    'Set of one pair, 2 connections',
    'Query of one pair, 2 connections',
    'Fetch of one pair, 2 connections',
    'Set of one pair, 1 connection',
    'Query of one pair, 1 connection',
    'Fetch of one pair, 1 connection',
    'Set of 100 pairs, 8 connections',
    'Fetch of 100 pairs, 8 connections',
    'Validation of 20 pairs',
    'GET /fetch of 1,000 pairs',
    'Other requests during a GET /fetch of 3,000 pairs',
    'One of two nodes stopped by SIGSTOP',
    'Set of one pair, 32 connections',
    'Query of one pair, 32 connections',
    'Fetch of one pair, 32 connections',
    '0.1 minutes with 1,000 pairs',
  ]);
  for (const { columns, rows } of report.tables) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toHaveLength(columns.length);
  }
  expect(report.goals.length).toBeGreaterThan(0);
  expect(toMarkdown(report)).not.toMatch(/NaN|undefined|Infinity/);
  const chart = toChart(report);
  expect(chart).toContain('kvs, proxy and 2 nodes');
  expect(chart).not.toMatch(/NaN|undefined|Infinity/);
});
