import { jest } from '@jest/globals';
import { exitAtStart, orExit, StartError, usageError } from './start-error.js';

/** Runs `end` with a process that does not end, and returns the exit code and what was written to stderr. */
function ended(end: () => void): [code: unknown, stderr: string] {
  const written: string[] = [];
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const exit = jest.spyOn(process, 'exit').mockImplementation(() => {
    throw new Error('exit');
  });
  expect(end).toThrow('exit');
  const code = exit.mock.lastCall?.[0];
  for (const spy of [write, exit]) spy.mockRestore();
  return [code, written.join('')];
}

it.each([
  [new StartError('the port is in use'), 1, 'kvs: the port is in use\n'],
  [usageError('--port is missing'), 2, 'kvs: --port is missing (see --help)\n'],
  [new TypeError('a defect'), 1, 'kvs: a defect\n'],
  [new Error(' many\n  lines\r\n'), 1, 'kvs: many lines\n'],
  ['no error at all', 1, 'kvs: no error at all\n'],
])('%s ends the process with code %i and one line', (error, code, stderr) => {
  expect(ended(() => exitAtStart('kvs', error))).toEqual([code, stderr]);
  const fail = (): never => {
    throw error;
  };
  expect(ended(() => orExit('kvs', fail))).toEqual([code, stderr]);
});

it('what can be read is returned', () => {
  expect(orExit('kvs', () => 'settings')).toBe('settings');
});
