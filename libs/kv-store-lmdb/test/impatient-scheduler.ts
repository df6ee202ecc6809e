import { systemTimers, type Scheduler } from '@kvs/protocol';

/** A scheduler that waits a millisecond where it should wait longer: for directories whose owner is known to be dead. */
export const impatientScheduler: Scheduler = {
  after: (delayMs, task) => systemTimers.after(Math.min(delayMs, 1), task),
};
