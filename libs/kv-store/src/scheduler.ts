/** Runs background work later. Tests pass a scheduler of their own to decide when it runs. */
export interface Scheduler {
  /** Calls the task once, in about so many milliseconds, unless it is cancelled before. Keeps no process alive. */
  after(delayMs: number, task: () => void): CancelTask;
}

/** Cancels a task that has not begun. May be called again. */
export type CancelTask = () => void;

/** The system's timers. */
export const systemScheduler: Scheduler = Object.freeze({
  after(delayMs: number, task: () => void): CancelTask {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
});
