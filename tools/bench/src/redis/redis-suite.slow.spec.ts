import { toMarkdown } from '../harness/markdown.js';
import { hasRedisTools } from './redis-benchmark.js';
import { NODE, PROXY, REDIS_SERVER } from './redis-contenders.js';
import { measureRedis } from './redis-suite.js';

it('measures node and proxy with and without pipelines, or says why not', async () => {
  const messages: string[] = [];
  const report = await measureRedis(
    { rounds: 1, requests: 2000, connections: 5, withCluster: false },
    (message) => messages.push(message),
  );
  if (!hasRedisTools()) {
    expect([report.tables, messages]).toEqual([[], [expect.stringMatching(/^skipped: /)]]);
    return;
  }
  expect(report.tables.map(({ title }) => title)).toEqual([
    'SET of 100 B, 5 connections, no pipelining',
    'GET of 100 B, 5 connections, no pipelining',
    'SET of 100 B, 5 connections, pipelines of 16',
    'GET of 100 B, 5 connections, pipelines of 16',
  ]);
  for (const { rows } of report.tables)
    expect(rows.map(([name]) => name)).toEqual([REDIS_SERVER, NODE, PROXY]);
  expect(report.goals).toHaveLength(6);
  expect(toMarkdown(report)).not.toMatch(/NaN|undefined|Infinity/);
});
