/** The time, passed in so that tests can control it. */
export interface Timers {
  /** Returns milliseconds since a fixed moment. Never goes back. */
  nowMs(): number;
  /** Calls the task once after about `delayMs`, unless cancelled before. Keeps no process alive. */
  after(delayMs: number, task: () => void): CancelTask;
}

export type CancelTask = () => void;

/** The timers and the clock of the system. */
export const systemTimers: Timers = Object.freeze({
  nowMs: () => performance.now(),
  after(delayMs: number, task: () => void): CancelTask {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
});
