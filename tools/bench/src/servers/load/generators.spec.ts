import { EventEmitter, once } from 'node:events';
import { load, requestsFor } from '../ask.js';
import { raw } from '../contenders/bare.js';
import { withRunning } from '../contenders/contender.js';
import { randomPairs } from '../pairs.js';
import { autocannonGenerator } from './autocannon.js';
import { toHttp, type LoadGenerator } from './load.js';
import { LoadProcess } from './load-process.js';
import { SocketLoad, type Answer } from './socket-load.js';
import type { WindowOutcome } from './window.js';
import { hasWrk, wrk } from './wrk.js';

const pairs = randomPairs(20);

async function expectToCount(generator: LoadGenerator): Promise<void> {
  await withRunning([raw], async ([server]) => {
    if (server === undefined) throw new TypeError('raw has not started');
    await load(server, pairs);
    const options = { origin: server.origin, connections: 2, seconds: 1 };
    const good = await generator.run({ ...options, requests: requestsFor(server, 'fetch', pairs) });
    expect(good.failures).toBe(0);
    expect(good.requests).toBeGreaterThan(0);
    expect(good.p50Ms).toBeLessThanOrEqual(good.p999Ms);

    const unknown = { method: 'GET', path: '/nowhere', isRight: () => false } as const;
    const bad = await generator.run({ ...options, requests: [unknown] });
    expect(bad.failures).toBeGreaterThan(0);
  });
}

it('autocannon counts what is answered, and what is answered by an error', () =>
  expectToCount(autocannonGenerator));

const required = process.env['KVS_REQUIRE_TOOLS'] === '1';
if (hasWrk() || required) {
  it('wrk counts what is answered, and what is answered by an error', () => expectToCount(wrk));
} else {
  it.skip('wrk is not tried, for it is not on the PATH', () => undefined);
}

it('sockets send at the rate asked for, and tell each answer', async () => {
  await withRunning([raw], async ([server]) => {
    if (server === undefined) throw new TypeError('raw has not started');
    await load(server, pairs);
    const answers: Answer[] = [];
    const hundredth = new EventEmitter();
    const running = await SocketLoad.start({
      origin: server.origin,
      texts: requestsFor(server, 'fetch', pairs).map((request) => toHttp(request, 'localhost')),
      connections: 4,
      requestsPerSecond: 500,
      onAnswer: (answer) => {
        if (answers.push(answer) === 100) hundredth.emit('answer');
      },
    });
    await once(hundredth, 'answer');
    running.stop();
    for (const { status, waitMs } of answers) {
      expect(status).toBe(200);
      expect(waitMs).toBeGreaterThan(0);
    }
  });
});

it('a load in a process of its own tells what was answered since it was asked before', async () => {
  await withRunning([raw], async ([server]) => {
    if (server === undefined) throw new TypeError('raw has not started');
    await load(server, pairs);
    const requests = requestsFor(server, 'fetch', pairs);
    const running = await LoadProcess.start({ origin: server.origin, requests, connections: 2 });
    try {
      let outcome: WindowOutcome;
      do outcome = await running.cut();
      while (outcome.perSecond === 0);
      expect(outcome.failures).toBe(0);
      expect(outcome.p50Ms).toBeGreaterThan(0);
    } finally {
      await running.stop();
    }
    await expect(running.cut()).rejects.toThrow();
  });
});
