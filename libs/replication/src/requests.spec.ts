import { isBootId, type EntryRequest } from '@kvs/topology';
import { Requests } from './requests.js';
import { DEFAULT_TIMES } from './settings.js';

let nowMs = 0;
let sent: (readonly EntryRequest[])[] = [];
const rewrite = { kind: 'rewrite' } as const;

function newRequests(): Requests {
  sent = [];
  return new Requests(
    DEFAULT_TIMES,
    () => nowMs,
    (requests) => sent.push(requests),
  );
}

/** Lets time pass, with a step of the replica every 50 ms. */
function pass(requests: Requests, ms: number): void {
  for (const endMs = nowMs + ms; nowMs < endMs;) {
    nowMs += 50;
    requests.flush();
  }
}

it('requests that nobody waits for go together after a while, before they are repeated', () => {
  const requests = newRequests();
  for (const partition of [1, 2, 3]) {
    requests.ask(partition, 5, rewrite, 'soon');
    pass(requests, 50);
  }
  expect(sent).toEqual([]);
  pass(requests, DEFAULT_TIMES.repeatMs - 150);
  expect(sent.map((together) => together.map(({ partition }) => partition))).toEqual([[1, 2, 3]]);
  for (const partition of [1, 2, 3]) expect(requests.isPending(partition)).toBe(true);
});

it('a request that something waits for takes them along at once', () => {
  const requests = newRequests();
  requests.ask(1, 5, rewrite, 'soon');
  requests.flush();
  const [copy] = ['b'].filter(isBootId);
  if (copy === undefined) throw new TypeError('no boot id');
  requests.ask(2, 5, { kind: 'promote', copy, instead: copy });
  requests.flush();
  expect(sent.map((together) => together.map(({ partition }) => partition))).toEqual([[1, 2]]);
});
