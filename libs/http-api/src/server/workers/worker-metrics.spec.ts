import { exposition } from '../../metrics/exposition.js';
import { counter, gauge, type MetricFamily } from '../../metrics/metric-family.js';
import { RequestMetrics } from '../../metrics/request-metrics.js';
import { readExposition } from '../../testing/exposition.js';
import { WorkerMetrics } from './worker-metrics.js';

const told = (count: number, heat: number): MetricFamily[] => [
  counter('kvs_things_total', 'Things', [{ labels: { kind: 'a' }, value: count }]),
  gauge('kvs_heat', 'Heat', [{ labels: {}, value: heat }]),
];

async function shown(metrics: WorkerMetrics<string>) {
  const { samples } = readExposition(await exposition(metrics.all()));
  return [samples.get('kvs_things_total{kind="a"}'), samples.get('kvs_heat')];
}

it('workers add up, each with what it told last', async () => {
  const metrics = new WorkerMetrics<string>();
  metrics.update('one', told(1, 10));
  metrics.update('two', told(2, 20));
  metrics.update('one', told(5, 11));
  expect(await shown(metrics)).toEqual([7, 31]);
});

it('what the dead counted stays, what they held is gone', async () => {
  const metrics = new WorkerMetrics<string>();
  for (const worker of ['one', 'two', 'three']) metrics.update(worker, told(100, 1));
  const burials = [metrics.bury('one'), metrics.bury('two')];
  expect(await shown(metrics)).toEqual([300, 1]); // at once
  await Promise.all(burials);
  expect(await shown(metrics)).toEqual([300, 1]);
  metrics.update('four', told(1, 1));
  expect(await shown(metrics)).toEqual([301, 2]);
});

it('many deaths do not make it grow', async () => {
  const metrics = new WorkerMetrics<string>();
  for (let i = 0; i < 50; i++) {
    metrics.update('worker', told(1, 1));
    await metrics.bury('worker');
  }
  expect(await shown(metrics)).toEqual([50, undefined]);
  expect(metrics.all().flat()).toHaveLength(1);
});

it('one that dies before it told anything leaves nothing', async () => {
  const metrics = new WorkerMetrics<string>();
  await metrics.bury('stranger');
  expect(metrics.all().flat()).toEqual([]);
});

it('times of requests of several workers are those of one that had answered all', async () => {
  const [left, right, all] = [new RequestMetrics(), new RequestMetrics(), new RequestMetrics()];
  for (const seconds of [0.0001, 0.003, 2, 20]) {
    for (const metrics of [seconds > 1 ? left : right, all]) metrics.observe('GET', '/fetch', 200, seconds);
  }
  const metrics = new WorkerMetrics<string>();
  metrics.update('left', left.collect());
  metrics.update('right', right.collect());
  await metrics.bury('left');
  const { samples } = readExposition(await exposition(metrics.all()));
  expect(samples).toEqual(readExposition(await exposition([all.collect()])).samples);
});
