import { Gauge, Registry } from 'prom-client';
import { familiesIn } from './metric-family.js';

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
