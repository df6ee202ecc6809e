import { counter, gauge, readFamilies } from './metric-family.js';

it('families outlive the way through JSON', () => {
  const families = [
    counter('kvs_things_total', 'Things', [{ labels: { kind: 'a', size: 1 }, value: 3 }]),
    gauge('kvs_heat', 'Heat', [{ labels: {}, value: 0.5, metricName: 'kvs_heat_now' }], 'max'),
  ];
  expect(readFamilies(JSON.parse(JSON.stringify(families)))).toEqual(families);
});

it('what is no number is left out', () => {
  const family = gauge('kvs_heat', 'Heat', [
    { labels: { at: 'top' }, value: NaN },
    { labels: { at: 'bottom' }, value: 1 },
  ]);
  const kept = [{ ...family, values: [{ labels: { at: 'bottom' }, value: 1 }] }];
  expect(readFamilies([family])).toEqual(kept);
  expect(readFamilies(JSON.parse(JSON.stringify([family])))).toEqual(kept);
});

it.each([
  ['no array', {}],
  ['no object', [1]],
  ['no values', [{ name: 'a', help: 'b', type: 'gauge', aggregator: 'sum' }]],
  ['another type', [{ name: 'a', help: 'b', type: 'guess', aggregator: 'sum', values: [] }]],
  ['another aggregator', [{ name: 'a', help: 'b', type: 'gauge', aggregator: 'mode', values: [] }]],
  ['a sample that is none', [{ name: 'a', help: 'b', type: 'gauge', aggregator: 'sum', values: [7] }]],
])('%s is no family', (_what, given) => {
  expect(() => readFamilies(given)).toThrow(TypeError);
});
