import { jest } from '@jest/globals';
import { systemTimers } from './timers.js';

const activeTimers = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('a timer of the system', () => {
  it('keeps no process alive', () => {
    const before = activeTimers();
    const cancel = systemTimers.after(60_000, () => undefined);
    expect(activeTimers()).toBe(before);
    cancel();
  });

  it('that was cancelled does not run its task', async () => {
    const done: string[] = [];
    systemTimers.after(1, () => done.push('cancelled'))();
    await new Promise<void>((resolve) => systemTimers.after(1, resolve));
    expect(done).toEqual([]);
  });

  it('works in a browser, where it is a number', () => {
    const timers = jest.spyOn(globalThis, 'setTimeout').mockReturnValue(7 as never);
    const clear = jest.spyOn(globalThis, 'clearTimeout');
    systemTimers.after(1, () => undefined)();
    expect(clear).toHaveBeenCalledWith(7);
    timers.mockRestore();
    clear.mockRestore();
  });
});
