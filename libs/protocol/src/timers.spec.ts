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
});
