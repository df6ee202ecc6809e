import type { Scheduler } from '@kvs/kv-store';
import { systemScheduler } from '@kvs/kv-store';

/** A scheduler that waits a millisecond where it should wait longer: for directories whose owner is known to be dead. */
export const impatientScheduler: Scheduler = {
  after: (delayMs, task) => systemScheduler.after(Math.min(delayMs, 1), task),
};
