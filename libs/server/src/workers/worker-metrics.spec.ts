import { exposition } from '../metrics/exposition.js';
import { counter, gauge, type MetricFamily } from '../metrics/metric-family.js';
import { readExposition } from '../testing/exposition.js';
import { WorkerMetrics } from './worker-metrics.js';

const report = (count: number, heat: number): MetricFamily[] => [
  counter('kvs_things_total', 'Things', [{ labels: { kind: 'a' }, value: count }]),
  gauge('kvs_heat', 'Heat', [{ labels: {}, value: heat }]),
];

async function shown(metrics: WorkerMetrics<string>) {
  const { samples } = readExposition(await exposition(metrics.all()));
  return [samples.get('kvs_things_total{kind="a"}'), samples.get('kvs_heat')];
}

it('the last reports of all workers are added', async () => {
  const metrics = new WorkerMetrics<string>();
  metrics.update('one', report(1, 10));
  metrics.update('two', report(2, 20));
  metrics.update('one', report(5, 11));
  expect(await shown(metrics)).toEqual([7, 31]);
});

it('the counters of workers that ended stay in the sums; their gauges do not', async () => {
  const metrics = new WorkerMetrics<string>();
  for (const worker of ['one', 'two', 'three']) metrics.update(worker, report(100, 1));
  const retirements = [metrics.retire('one'), metrics.retire('two')];
  expect(await shown(metrics)).toEqual([300, 1]); // at once
  await Promise.all(retirements);
  expect(await shown(metrics)).toEqual([300, 1]);
  metrics.update('four', report(1, 1));
  expect(await shown(metrics)).toEqual([301, 2]);
});

it('many ended workers need no more memory than one', async () => {
  const metrics = new WorkerMetrics<string>();
  for (let i = 0; i < 50; i++) {
    metrics.update('worker', report(1, 1));
    await metrics.retire('worker');
  }
  expect(await shown(metrics)).toEqual([50, undefined]);
  expect(metrics.all().flat()).toHaveLength(1);
});

it('a worker that ends before its first report leaves nothing', async () => {
  const metrics = new WorkerMetrics<string>();
  await metrics.retire('stranger');
  expect(metrics.all().flat()).toEqual([]);
});

const times = (count: number, seconds: number): MetricFamily => ({
  name: 'kvs_duration_seconds',
  help: 'Times',
  type: 'histogram',
  aggregator: 'sum',
  values: [
    { metricName: 'kvs_duration_seconds_bucket', labels: { le: 1 }, value: count - 1 },
    { metricName: 'kvs_duration_seconds_bucket', labels: { le: '+Inf' }, value: count },
    { metricName: 'kvs_duration_seconds_sum', labels: {}, value: seconds },
    { metricName: 'kvs_duration_seconds_count', labels: {}, value: count },
  ],
});

it('the histograms of several workers are that of one worker that had served all', async () => {
  const metrics = new WorkerMetrics<string>();
  metrics.update('left', [times(3, 0.5)]);
  metrics.update('right', [times(4, 20)]);
  await metrics.retire('left');
  const { samples } = readExposition(await exposition(metrics.all()));
  expect(samples).toEqual(
    new Map([
      ['kvs_duration_seconds_bucket{le="1"}', 5],
      ['kvs_duration_seconds_bucket{le="+Inf"}', 7],
      ['kvs_duration_seconds_sum', 20.5],
      ['kvs_duration_seconds_count', 7],
    ]),
  );
});
