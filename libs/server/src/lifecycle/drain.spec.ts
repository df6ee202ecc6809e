import { DEFAULT_LIMITS } from '@kvs/protocol';
import { Budget } from '../admission/budget.js';
import { ServerMetrics } from '../metrics/server-metrics.js';
import { drain } from './drain.js';
import type { Listener } from './listener.js';
import { startServer } from './start-server.js';

/** A listener that writes down what is asked of it, and drains when a test says so. */
class RecordingListener implements Listener {
  finishDrain: () => void = () => undefined;

  constructor(
    readonly protocol: string,
    readonly calls: string[],
  ) {}

  start(): Promise<number> {
    this.calls.push(`${this.protocol} starts`);
    return Promise.resolve(1);
  }

  accept(): void {
    this.calls.push(`${this.protocol} accepts`);
  }

  drain(): Promise<void> {
    this.calls.push(`${this.protocol} drains`);
    return new Promise((resolve) => (this.finishDrain = resolve));
  }

  close(): void {
    this.calls.push(`${this.protocol} closes`);
    this.finishDrain();
  }
}

const LONG_MS = 1_000_000;
/** The end of a drain. */
const ENDED = ['no request comes any more', 'http closes', 'redis closes'];

let calls: string[];
let warnings: string[];
let listeners: RecordingListener[];
let budget: Budget;
beforeEach(() => {
  calls = [];
  warnings = [];
  listeners = [new RecordingListener('http', calls), new RecordingListener('redis', calls)];
  budget = new Budget({ maxInFlightRequests: 10, maxInFlightBytes: 1000 });
});

const begin = (timeoutMs: number) =>
  drain(
    listeners,
    { drain: () => budget.drain(), quiet: async () => void calls.push('no request comes any more') },
    timeoutMs,
    { warn: (message: unknown) => void warnings.push(String(message)) },
  );

it('all listeners drain at once, and close when all have drained, nothing is in flight, and no request comes', async () => {
  const admission = budget.admissionOf('redis');
  admission.enter(1);
  const draining = begin(LONG_MS);
  expect(calls).toEqual(['http drains', 'redis drains']);
  for (const listener of listeners) listener.finishDrain();
  await new Promise(setImmediate);
  expect(calls).toHaveLength(2);
  admission.leave(1);
  await draining;
  expect([calls.slice(2), warnings]).toEqual([ENDED, []]);
});

it('a listener that does not drain in time is closed even while requests come, and the log says so', async () => {
  await begin(1);
  expect(calls).toEqual(['http drains', 'redis drains', 'http closes', 'redis closes', ...ENDED]);
  expect(warnings).toEqual(['requests that are still in flight after 1 ms are cut']);
});

it('requests that come while it drains are refused', async () => {
  const admission = budget.admissionOf('http');
  const draining = begin(LONG_MS);
  for (const listener of listeners) listener.finishDrain();
  expect(admission.enter(1)?.code).toBe('shutting_down');
  await draining;
  expect(calls.slice(2)).toEqual(ENDED);
});

describe('a server in this process', () => {
  const at = { host: '127.0.0.1', port: 0 };
  const start = (addresses: Record<string, typeof at>) =>
    startServer({
      name: 'test',
      settings: {
        limits: DEFAULT_LIMITS,
        maxInFlightRequests: 10,
        maxInFlightBytes: 1000,
        shutdownTimeoutMs: 1,
        logLevel: 'silent',
        logFormat: 'json',
      },
      addresses,
      open: async () => ({
        listeners,
        metrics: new ServerMetrics(),
        leave: async () => void calls.push('leaves'),
        close: async () => void calls.push('closes'),
      }),
    });

  it('stops by leaving while it still serves, then draining, and closing what it holds last', async () => {
    const { bound, stop } = await start({ http: at, redis: at });
    expect(bound).toEqual({ http: { ...at, port: 1 }, redis: { ...at, port: 1 } });
    await stop();
    expect(calls.slice(2, 5)).toEqual(['leaves', 'http drains', 'redis drains']);
    expect(calls.at(-1)).toBe('closes');
  });

  it('leaves nothing open if one of its listeners cannot start', async () => {
    await expect(start({ http: at })).rejects.toThrow('redis has no address');
    expect([calls[0], calls.at(-1)]).toEqual(['http starts', 'closes']);
    expect(calls).toContain('http closes');
  });
});
