import { linkMetrics } from './link-metrics.js';

it('shows links, the calls over them by operation, and refusals', async () => {
  const counts = { calls: { set: 3, fetch: 2, query: 1, delete: 0, scan: 5 }, refused: 4 };
  const families = await linkMetrics({ size: 5, counts }).collect();
  expect(families.map(({ name, type, values }) => [name, type, values])).toEqual([
    ['kvs_links', 'gauge', [{ labels: {}, value: 5 }]],
    [
      'kvs_link_calls_total',
      'counter',
      [
        { labels: { operation: 'set' }, value: 3 },
        { labels: { operation: 'fetch' }, value: 2 },
        { labels: { operation: 'query' }, value: 1 },
        { labels: { operation: 'delete' }, value: 0 },
        { labels: { operation: 'scan' }, value: 5 },
      ],
    ],
    ['kvs_link_refusals_total', 'counter', [{ labels: {}, value: 4 }]],
  ]);
});
