import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { jest } from '@jest/globals';
import { TransportError } from '@kvs/router';
import { systemTimers } from '../ports.js';
import { readLines } from './node-lines.js';

const TIMEOUT_MS = 5000;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
});
afterEach(() => {
  jest.useRealTimers();
});

function open(): { stream: PassThrough; lines: AsyncGenerator<Uint8Array> } {
  const stream = new PassThrough();
  return { stream, lines: readLines(stream, TIMEOUT_MS, systemTimers) };
}

const broken = (reason: string) => new TransportError('broken', `the scan broke off (${reason})`);

it('reads a stream to its end', async () => {
  const { stream, lines } = open();
  stream.write('{"a"');
  stream.end(':1}\n{}\n');
  expect(await textOf(lines)).toBe('{"a":1}\n{}\n');
});

it('takes an empty stream for no lines', async () => {
  const { stream, lines } = open();
  stream.end();
  expect(await textOf(lines)).toBe('');
});

it('reads the items of an array to their end', async () => {
  const stream = new PassThrough();
  const items = readLines(stream, TIMEOUT_MS, systemTimers, 'items');
  stream.write('[{"a"');
  stream.end(':1},{}]');
  expect(await textOf(items)).toBe(',{"a":1},{}');
});

it('breaks when an array ends before its end', async () => {
  const stream = new PassThrough();
  const items = readLines(stream, TIMEOUT_MS, systemTimers, 'items');
  stream.end('[{"a":1}');
  await expect(textOf(items)).rejects.toEqual(broken('it ended in the middle of an array'));
});

it('holds only so much of what comes while nobody reads', async () => {
  const { stream, lines } = open();
  const line = Buffer.from(`${'x'.repeat(16 * 1024 - 1)}\n`);
  stream.write(line);
  await lines.next();
  let taken = 0;
  while (stream.write(line) && taken < 1000) {
    taken++;
    await new Promise(setImmediate);
  }
  expect(taken).toBeLessThan(20);
  stream.end();
  expect(await textOf(lines)).toHaveLength((taken + 1) * line.length);
});

it('breaks when nothing comes while it waits', async () => {
  const { stream, lines } = open();
  const next = lines.next();
  jest.advanceTimersByTime(TIMEOUT_MS);
  await expect(next).rejects.toEqual(broken('nothing came for 5000 ms'));
  expect(stream.destroyed).toBe(true);
});

it('waits anew for each part', async () => {
  const { stream, lines } = open();
  for (const part of ['a\n', 'b\n', 'c\n']) {
    const next = lines.next();
    jest.advanceTimersByTime(TIMEOUT_MS - 1);
    stream.write(part);
    expect(String((await next).value)).toBe(part);
  }
});

it('gives the reader all the time in the world', async () => {
  const { stream, lines } = open();
  stream.write('a\n');
  await lines.next();
  jest.advanceTimersByTime(1000 * TIMEOUT_MS);
  stream.end('b\n');
  expect(await textOf(lines)).toBe('b\n');
});

it('breaks when the stream fails', async () => {
  const { stream, lines } = open();
  const next = lines.next();
  stream.destroy(new Error('reset'));
  await expect(next).rejects.toBeInstanceOf(TransportError);
});

it('breaks when the stream was closed before anybody read it', async () => {
  const { stream, lines } = open();
  stream.destroy();
  await expect(lines.next()).rejects.toBeInstanceOf(TransportError);
});

it('breaks when the stream ends in the middle of a line', async () => {
  const { stream, lines } = open();
  stream.end('{}\n{"key":');
  await expect(textOf(lines)).rejects.toEqual(broken('it ended in the middle of a line'));
});

it('closes the stream when its reader ends early, and leaves no timer behind', async () => {
  const { stream, lines } = open();
  stream.write('a\n');
  for await (const chunk of lines) {
    expect(String(chunk)).toBe('a\n');
    break;
  }
  expect([stream.destroyed, jest.getTimerCount()]).toEqual([true, 0]);
});
