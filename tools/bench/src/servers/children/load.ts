import { once } from 'node:events';
import { Agent } from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import type { LoadOutcome } from '../load/load.js';
import type { LoadProcessOptions } from '../load/load-process.js';
import { ask } from '../requests.js';

/** Puts a server under load until it is killed. Every message from the parent asks for the answers since the last one. */

process.once('disconnect', () => process.exit());

const [order]: LoadProcessOptions[] = await once(process, 'message');
if (order === undefined) throw new TypeError('the first message must be the load');
const { origin, requests, connections, requestsPerSecond } = order;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
let sent = 0;
// In microseconds. A histogram needs no sorting, which would delay requests.
let waits = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
let failures = 0;
let startedAt = performance.now();

if (requestsPerSecond === undefined) for (let lane = 0; lane < connections; lane++) void sendForever();
else sendEvenly(requestsPerSecond / 1000);
process.send?.(cut());
process.on('message', () => process.send?.(cut()));

async function sendForever(): Promise<void> {
  for (;;) await sendNext();
}

function sendEvenly(perMs: number): void {
  const start = performance.now();
  setInterval(() => {
    const due = Math.floor((performance.now() - start) * perMs);
    while (sent < due) void sendNext();
  }, 1);
}

async function sendNext(): Promise<void> {
  const request = requests[sent++ % requests.length];
  if (request === undefined) throw new RangeError('there are no requests');
  const start = performance.now();
  const { status } = await ask(origin, request, agent).catch(() => ({ status: 0 }));
  if (status === 200) waits.record(Math.max(1, Math.round((performance.now() - start) * 1000)));
  else failures++;
}

function cut(): LoadOutcome {
  const now = performance.now();
  // NaN without answers, so that no goal is met by it.
  const waitMs = (percent: number): number => (waits.count === 0 ? NaN : waits.percentile(percent) / 1000);
  const outcome: LoadOutcome = {
    requests: waits.count,
    failures,
    seconds: (now - startedAt) / 1000,
    p50Ms: waitMs(50),
    p99Ms: waitMs(99),
  };
  waits = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
  failures = 0;
  startedAt = now;
  return outcome;
}
