import { setTimeout } from 'node:timers/promises';
import type { Admission } from './admission.js';
import { Budget } from './budget.js';

const begin = (maxInFlightRequests: number, maxInFlightBytes: number) => {
  const budget = new Budget({ maxInFlightRequests, maxInFlightBytes });
  return { budget, http: budget.admissionOf('http'), link: budget.admissionOf('link') };
};

it('requests of one protocol leave no room for those of another', () => {
  const { http, link } = begin(2, 1000);
  expect([http.enter(1), link.enter(1)]).toEqual([undefined, undefined]);
  expect([http.enter(1)?.code, link.enter(1)?.code]).toEqual(['overloaded', 'overloaded']);
  link.leave(1);
  expect(http.enter(1)).toBeUndefined();
});

it('bytes of one protocol leave no room for those of another', () => {
  const { http, link } = begin(100, 1000);
  expect(link.enter(900)).toBeUndefined();
  expect([http.enter(100), http.enter(1)?.code]).toEqual([undefined, 'overloaded']);
  expect(http.enter(0)).toBeUndefined();
  link.leave(900);
  expect(http.enter(900)).toBeUndefined();
});

it('unread answers leave no room for any request until they are read', () => {
  const { http, link } = begin(100, 1000);
  link.addUnread(1001);
  expect([http.enter(0)?.code, link.enter(0)?.code]).toEqual(['overloaded', 'overloaded']);
  link.addUnread(-1001);
  expect([http.enter(0), link.enter(0)]).toEqual([undefined, undefined]);
});

it('unread answers leave no room for the answer to a request that was admitted before', () => {
  const { http, link } = begin(100, 1000);
  expect(http.enter(1)).toBeUndefined();
  link.addUnread(1000);
  expect([http.refusalOfAnswer(0)?.code, http.refusalOfAnswer(1)?.code]).toEqual([
    'overloaded',
    'overloaded',
  ]);
  link.addUnread(-1);
  expect(http.refusalOfAnswer(1)).toBeUndefined();
});

it('a request larger than the limit is answered if it is alone', () => {
  const { http } = begin(100, 1000);
  expect(http.enter(5000)).toBeUndefined();
  expect([http.refusalOfAnswer(5000), http.refusalOfAnswer(0)?.code]).toEqual([undefined, 'overloaded']);
});

it('announced bytes are counted as they arrive', () => {
  const { http, link } = begin(100, 1000);
  expect([http.enter(900, 0), http.enter(900, 0)]).toEqual([undefined, undefined]);
  expect([http.hold(900, 0), http.hold(101, 0)?.code, http.hold(100, 0)]).toEqual([
    undefined,
    'overloaded',
    undefined,
  ]);
  expect(link.enter(1)?.code).toBe('overloaded');
  http.leave(900);
  expect(link.enter(1)).toBeUndefined();
});

it('released bytes count no more', () => {
  const { http, link } = begin(100, 1000);
  expect([http.hold(1000, 0), link.hold(1, 0)?.code]).toEqual([undefined, 'overloaded']);
  http.release(600);
  expect([link.hold(600, 0), http.load.requestBytes]).toEqual([undefined, 400]);
});

it('a request that comes to hold less is not refused, however full the budget is', () => {
  const { http, link } = begin(100, 1000);
  expect(http.hold(500, 0)).toBeUndefined();
  link.addUnread(2000);
  expect([http.hold(-100, 500), http.load.requestBytes]).toEqual([undefined, 400]);
});

it('a request larger than the limit is admitted if it is alone', () => {
  const { http, link } = begin(100, 1000);
  expect(http.enter(5000, 0)).toBeUndefined();
  expect([http.hold(3000, 0), http.hold(2000, 3000)]).toEqual([undefined, undefined]);
  expect(link.enter(1)?.code).toBe('overloaded');
  http.leave(5000);
  expect(link.enter(5000)).toBeUndefined();
});

it('a request for the health of the server is admitted whatever is in flight', () => {
  const { http, link } = begin(1, 1000);
  expect(link.enter(5000)).toBeUndefined();
  http.enterAlways();
  expect(http.load.requests).toBe(1);
});

it('a separate admission has the limits for itself', () => {
  const { budget, http, link } = begin(1, 1000);
  const separate = budget.separateAdmissionOf('control_plane');
  expect([http.enter(5000), separate.enter(800), link.enter(0)?.code]).toEqual([
    undefined,
    undefined,
    'overloaded',
  ]);
  expect([separate.enter(0)?.code, separate.hold(201, 0)?.code]).toEqual(['overloaded', 'overloaded']);
  http.leave(5000);
  expect(link.enter(1000)).toBeUndefined();
});

it('a draining budget refuses all requests, and is idle when the last one of all protocols has left', async () => {
  const { budget, http, link } = begin(100, 1000);
  const separate = budget.separateAdmissionOf('control_plane');
  http.enter(0);
  link.enter(0);
  separate.enter(0);
  let isIdle = false;
  const draining = budget.drain().then(() => (isIdle = true));
  expect([http.enter(0)?.code, link.enter(0)?.code]).toEqual(['shutting_down', 'shutting_down']);
  http.leave(0);
  await Promise.resolve();
  expect(isIdle).toBe(false);
  link.leave(0);
  await Promise.resolve();
  expect([isIdle, separate.enter(0)?.code]).toEqual([false, 'shutting_down']);
  separate.leave(0);
  await draining;
  expect(isIdle).toBe(true);
});

it('a budget without requests is drained at once', async () => {
  const { budget, http } = begin(100, 1000);
  await budget.drain();
  expect(http.enter(0)?.code).toBe('shutting_down');
});

it.each([
  ['refused', (http: Admission) => void http.enter(0)],
  ['admitted without a check', (http: Admission) => http.enterAlways()],
])('a budget is not quiet until no request has come for the time asked for (%s)', async (_, arrive) => {
  const { budget, http } = begin(100, 1000);
  await budget.drain();
  let isQuiet = false;
  const quiet = budget.quiet(20).then(() => (isQuiet = true));
  arrive(http);
  // Fires behind the first timer of the budget, and before its second.
  await setTimeout(20);
  expect(isQuiet).toBe(false);
  await quiet;
});

it('metrics tell what each protocol has in flight', () => {
  const { budget, http, link } = begin(100, 1000);
  http.enter(10);
  link.enter(20);
  link.addUnread(30);
  const samples = budget.collect().map(({ name, values }) => [name, values.map(({ value }) => value)]);
  expect(samples).toEqual([
    ['kvs_requests_in_flight', [1, 1]],
    ['kvs_request_bytes_in_flight', [10, 20]],
    ['kvs_unread_answer_bytes', [0, 30]],
  ]);
});
