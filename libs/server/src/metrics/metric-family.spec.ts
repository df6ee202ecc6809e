import { Gauge, Registry } from 'prom-client';
import { familiesIn } from './metric-family.js';
import { ProcessMetrics } from './process-metrics.js';

it('the families of a registry can be sent to another process; a sample that is not a number is left out', async () => {
  const registry = new Registry();
  const heat = new Gauge({ name: 'kvs_heat', help: 'Heat', labelNames: ['at'], registers: [registry] });
  heat.set({ at: 'top' }, NaN);
  heat.set({ at: 'bottom' }, Infinity);
  const families = await familiesIn(registry);
  expect(families).toEqual([
    {
      name: 'kvs_heat',
      help: 'Heat',
      type: 'gauge',
      aggregator: 'sum',
      values: [{ labels: { at: 'bottom' }, value: Infinity }],
    },
  ]);
  expect(structuredClone(families)).toEqual(families);
});

it('the start time of a server with several processes is that of the first', async () => {
  const families = await new ProcessMetrics().collect();
  const start = families.find(({ name }) => name === 'process_start_time_seconds');
  expect(start?.aggregator).toBe('min');
  // The sums of several processes would leave these out.
  expect(families.filter(({ aggregator }) => aggregator === 'omit')).toEqual([]);
});
