/** Who calls later. Background work is given a scheduler, so that tests decide when it runs. */
export interface Scheduler {
  /** Calls the task once, in about so many milliseconds, unless cancelled before. Keeps no process alive. */
  after(delayMs: number, task: () => void): CancelTask;
}

export type CancelTask = () => void;

/** The one place that sets timers for background work. */
export const systemScheduler: Scheduler = Object.freeze({
  after(delayMs: number, task: () => void): CancelTask {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
});
