import type { EventEmitter } from 'node:events';
import { WatchedProcess } from './watched-process.js';

it('waits for an output, and for the end', async () => {
  const child = new WatchedProcess('sh', ['-c', 'echo first; echo second']);
  expect((await child.until(/sec\w+/))[0]).toBe('second');
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.lines).toEqual(['first', 'second']);
});

it('rejects if the process ends without the output', async () => {
  const child = new WatchedProcess('sh', ['-c', 'echo first']);
  await expect(child.until(/second/)).rejects.toThrow('sh ended (0) without /second/:\nfirst');
});

it('rejects if the process cannot be started', async () => {
  const child = new WatchedProcess('/no/such/command', []);
  await expect(child.until(/first/)).rejects.toThrow('ENOENT');
  await expect(child.exited).rejects.toThrow('ENOENT');
});

it.each([false, true])(
  'is destroyed when the test file has ended (group of its own: %p)',
  async (detached) => {
    // In the group, `sleep` holds the pipes too, so they end only with it.
    const script = detached ? 'sleep 600 & echo started; wait' : 'echo started; exec sleep 600';
    const child = new WatchedProcess('sh', ['-c', script], { detached });
    await child.until(/started/);
    const events: EventEmitter = process; // Jest's copy
    events.emit('testFileEnd');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
  },
);
