import { setTimeout } from 'node:timers/promises';

/** Waits until the condition holds. Jest's own timeout is the bound. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await setTimeout(20);
}
