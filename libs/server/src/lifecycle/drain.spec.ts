import { Budget } from '../admission/budget.js';
import type { Listener } from './listener.js';
import { drain } from './start-server.js';

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
  drain(listeners, budget, timeoutMs, { warn: (message: unknown) => void warnings.push(String(message)) });

it('all listeners drain at once, and close when all have drained and nothing is in flight', async () => {
  const admission = budget.admissionOf('redis');
  admission.enter(1);
  const draining = begin(LONG_MS);
  expect(calls).toEqual(['http drains', 'redis drains']);
  for (const listener of listeners) listener.finishDrain();
  await new Promise(setImmediate);
  expect(calls).toHaveLength(2);
  admission.leave(1);
  await draining;
  expect([calls.slice(2), warnings]).toEqual([['http closes', 'redis closes'], []]);
});

it('a listener that does not drain in time is closed, and the log says so', async () => {
  await begin(1);
  expect(calls.slice(0, 4)).toEqual(['http drains', 'redis drains', 'http closes', 'redis closes']);
  expect(warnings).toEqual(['requests that are still in flight after 1 ms are cut']);
});

it('requests that come while it drains are refused', async () => {
  const admission = budget.admissionOf('http');
  const draining = begin(LONG_MS);
  for (const listener of listeners) listener.finishDrain();
  expect(admission.enter(1)?.code).toBe('shutting_down');
  await draining;
  expect(calls.slice(2)).toEqual(['http closes', 'redis closes']);
});
