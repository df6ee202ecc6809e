import { counter } from '../metrics/metric-family.js';
import { readToPrimary, readToWorker, type ToPrimary, type ToWorker } from './messages.js';

const families = [counter('kvs_things_total', 'Things', [{ labels: { kind: 'a' }, value: 1 }])];

it.each<ToWorker>([
  { type: 'connection', id: 3, protocol: 'http' },
  { type: 'metrics', id: 1 },
  { type: 'page', id: 2, page: 'text' },
  { type: 'page', id: 2, page: null },
  { type: 'stop', reason: 'SIGTERM' },
])('a worker reads %j as it was sent', (message) => {
  expect(readToWorker(JSON.parse(JSON.stringify(message)))).toEqual(message);
});

it.each<ToPrimary>([
  { type: 'ready' },
  { type: 'accepted', id: 3 },
  { type: 'metrics', id: 1, families },
  { type: 'page', id: 2 },
])('the primary process reads %j as it was sent', (message) => {
  expect(readToPrimary(JSON.parse(JSON.stringify(message)))).toEqual(message);
});

it.each([
  null,
  'stop',
  7,
  {},
  { type: 'stop' },
  { type: 'connection', id: 1 },
  { type: 'metrics' },
  { type: 'page', id: '1' },
  { type: 'other' },
])('%j is a foreign message', (message) => {
  expect([readToWorker(message), readToPrimary(message)]).toEqual([undefined, undefined]);
});
