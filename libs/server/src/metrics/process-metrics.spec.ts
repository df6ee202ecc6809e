import { ProcessMetrics } from './process-metrics.js';

it('the start time of a server with several processes is that of the first', async () => {
  const families = await new ProcessMetrics().collect();
  const start = families.find(({ name }) => name === 'process_start_time_seconds');
  expect(start?.aggregator).toBe('min');
  // The sums of several processes would leave these out.
  expect(families.filter(({ aggregator }) => aggregator === 'omit')).toEqual([]);
});
