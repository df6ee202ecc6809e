import fc from 'fast-check';
import { readExposition, type Samples } from '@kvs/server/testing';
import { exposition } from '@kvs/server';
import { RequestMetrics } from './request-metrics.js';

const DURATION = 'kvs_http_request_duration_seconds';

async function samplesOf(metrics: RequestMetrics): Promise<Samples> {
  return readExposition(await exposition([metrics.collect()])).samples;
}

it('a request is counted, and in each bucket whose bound it does not exceed', async () => {
  const metrics = new RequestMetrics();
  metrics.observe('PUT', '/set', 200, 0.0003);
  metrics.observe('PUT', '/set', 200, 0.02);
  metrics.observe('PUT', '/set', 400, 60);
  const samples = await samplesOf(metrics);
  const ok = 'method="PUT",route="/set",status="200"';
  expect(samples.get(`kvs_http_requests_total{${ok}}`)).toBe(2);
  expect(samples.get(`${DURATION}_bucket{${ok},le="0.00025"}`)).toBe(0);
  expect(samples.get(`${DURATION}_bucket{${ok},le="0.0005"}`)).toBe(1);
  expect(samples.get(`${DURATION}_bucket{${ok},le="0.025"}`)).toBe(2);
  expect(samples.get(`${DURATION}_count{${ok}}`)).toBe(2);
  expect(samples.get(`${DURATION}_sum{${ok}}`)).toBeCloseTo(0.0203);
  const late = 'method="PUT",route="/set",status="400"';
  expect(samples.get(`${DURATION}_bucket{${late},le="10"}`)).toBe(0);
  expect(samples.get(`${DURATION}_bucket{${late},le="+Inf"}`)).toBe(1);
});

it('a time that is exactly a bound is within it', async () => {
  const metrics = new RequestMetrics();
  metrics.observe('GET', '/fetch', 200, 0.001);
  const samples = await samplesOf(metrics);
  const labels = 'method="GET",route="/fetch",status="200"';
  expect(samples.get(`${DURATION}_bucket{${labels},le="0.0005"}`)).toBe(0);
  expect(samples.get(`${DURATION}_bucket{${labels},le="0.001"}`)).toBe(1);
});

it('methods that nobody uses share one label, so that no client can make up more', async () => {
  const metrics = new RequestMetrics();
  for (let i = 0; i < 1000; i++) metrics.observe(`METHOD-${i}`, 'unknown', 404, 0);
  const counts = [...(await samplesOf(metrics))].filter(([id]) => id.startsWith('kvs_http_requests_total'));
  expect(counts).toEqual([['kvs_http_requests_total{method="OTHER",route="unknown",status="404"}', 1000]]);
});

it('whatever is observed, buckets grow to the count, and the counts add up to the observations', async () => {
  const observation = fc.record({
    method: fc.constantFrom('GET', 'PUT', 'POST', 'TRACE'),
    route: fc.constantFrom('/set', '/fetch', '/keys/{key}'),
    status: fc.constantFrom(200, 207, 503),
    seconds: fc.double({ min: 0, max: 100, noNaN: true }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(observation), async (observations) => {
      const metrics = new RequestMetrics();
      for (const { method, route, status, seconds } of observations) {
        metrics.observe(method, route, status, seconds);
      }
      const samples = await samplesOf(metrics);
      let total = 0;
      for (const [id, count] of samples) {
        if (!id.startsWith('kvs_http_requests_total')) continue;
        total += count;
        const labels = id.slice(id.indexOf('{') + 1, -1);
        const buckets = [...samples].filter(([bucket]) => bucket.startsWith(`${DURATION}_bucket{${labels},`));
        const counts = buckets.map(([, value]) => value);
        expect(counts).toEqual(counts.toSorted((a, b) => a - b));
        expect(counts.at(-1)).toBe(count);
      }
      expect(total).toBe(observations.length);
    }),
  );
});
