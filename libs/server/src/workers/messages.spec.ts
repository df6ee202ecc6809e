import { isToPrimary, isToWorker } from './messages.js';

it.each([
  null,
  'stop',
  7,
  {},
  { type: 7 },
  { type: 'other' },
  { type: 'toString' },
  { type: 'prom-client:getMetricsReq', requestId: 1 },
])('%j is a foreign message', (message) => {
  expect([isToWorker(message), isToPrimary(message)]).toEqual([false, false]);
});

it('a process ignores the messages that it sends itself', () => {
  expect(isToWorker({ type: 'ready' })).toBe(false);
  expect(isToPrimary({ type: 'stop', reason: 'SIGTERM' })).toBe(false);
});
