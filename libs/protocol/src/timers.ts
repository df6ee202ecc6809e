/** Runs tasks later. Passed in so that tests decide when. */
export interface Scheduler {
  /** Calls the task once after about `delayMs`, unless cancelled before. Keeps no process alive. */
  after(delayMs: number, task: () => void): CancelTask;
}

/** A scheduler that also tells the time. */
export interface Timers extends Scheduler {
  /** Returns milliseconds since a fixed moment. Never goes back. */
  nowMs(): number;
}

/** Cancels a task that has not begun. May be called again. */
export type CancelTask = () => void;

/** The timers and the clock of the system. */
export const systemTimers: Timers = Object.freeze({
  nowMs: () => performance.now(),
  after(delayMs: number, task: () => void): CancelTask {
    const timer: NodeJS.Timeout | number = setTimeout(task, delayMs);
    // In browsers it is a number.
    if (typeof timer === 'object') timer.unref();
    return () => clearTimeout(timer);
  },
});
