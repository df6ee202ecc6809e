/** The time, passed in so that tests can control it. */
export interface Timers {
  /** Returns milliseconds since a fixed moment. Never goes back. */
  nowMs(): number;
  /** Calls the task once after about `delayMs`, unless cancelled before. Keeps no process alive. */
  after(delayMs: number, task: () => void): CancelTask;
}

export type CancelTask = () => void;

/** Calls the task once, soon: at the end of this turn of the event loop, or of this callback. */
export type Schedule = (task: () => void) => void;

/** The timers and the clock of the system. */
export const systemTimers: Timers = Object.freeze({
  nowMs: () => performance.now(),
  after(delayMs: number, task: () => void): CancelTask {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
});

/**
 * After everything that has come in this turn of the event loop was handled: requests that arrive together on several
 * connections are seen together. `process.nextTick` would see those of one connection only.
 */
export const endOfTurn: Schedule = (task) => void setImmediate(task);

/**
 * After the callback that is running: for a server that has gathered requests itself and handles all of a turn in one
 * callback, so that their calls need not wait for another turn.
 */
export const endOfCallback: Schedule = (task) => process.nextTick(task);
