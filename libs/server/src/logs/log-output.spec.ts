import { jest } from '@jest/globals';
import { LogOutput } from './log-output.js';

/** A descriptor that accepts bytes, or fails with a code if a test says so. */
class Descriptor {
  failure: string | undefined;
  written = '';
  /** Limit of one write, in bytes. */
  maxBytes = Infinity;

  readonly write = (bytes: Uint8Array): number => {
    if (this.failure !== undefined)
      throw Object.assign(new Error(`${this.failure}: write`), { code: this.failure });
    const part = bytes.subarray(0, this.maxBytes);
    this.written += Buffer.from(part).toString('latin1');
    return part.length;
  };
}

function open(): { descriptor: Descriptor; output: LogOutput } {
  const descriptor = new Descriptor();
  return { descriptor, output: new LogOutput(descriptor.write) };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

it.each(['ENOSPC', 'EPIPE', 'EIO', 'EFBIG'])('a line that fails with %s is lost, and no error', (code) => {
  const { descriptor, output } = open();
  descriptor.failure = code;
  output.write('lost\n');
  descriptor.failure = undefined;
  output.write('kept\n');
  expect(descriptor.written).toBe('kept\n');
});

it('a line that the pipe accepts in parts is written in full', () => {
  const { descriptor, output } = open();
  descriptor.maxBytes = 3;
  output.write('a line\n');
  output.write('another\n');
  expect(descriptor.written).toBe('a line\nanother\n');
});

it('lines wait for a full pipe, in their order', () => {
  const { descriptor, output } = open();
  descriptor.failure = 'EAGAIN';
  output.write('one\n');
  output.write('two\n');
  jest.advanceTimersByTime(1000);
  descriptor.failure = undefined;
  output.write('three\n');
  expect(descriptor.written).toBe('');
  jest.runOnlyPendingTimers();
  expect(descriptor.written).toBe('one\ntwo\nthree\n');
  output.write('four\n');
  expect([descriptor.written.endsWith('three\nfour\n'), jest.getTimerCount()]).toEqual([true, 0]);
});

it('only so many lines wait', () => {
  const { descriptor, output } = open();
  descriptor.failure = 'EAGAIN';
  for (let i = 0; i < 5000; i++) output.write(`${i}\n`);
  descriptor.failure = undefined;
  jest.runOnlyPendingTimers();
  const lines = descriptor.written.trimEnd().split('\n');
  expect([lines.length, lines.at(0), lines.at(-1)]).toEqual([1000, '0', '999']);
});
