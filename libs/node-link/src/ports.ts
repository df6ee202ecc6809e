import type { Timers } from '@kvs/protocol';

export { systemTimers, type CancelTask, type Timers } from '@kvs/protocol';

/** Calls the task once, soon: at the end of this turn of the event loop, or of this callback. */
export type Schedule = (task: () => void) => void;

/**
 * Runs the task after everything that came in this turn of the event loop was handled, so it sees the requests of all
 * connections together. `process.nextTick` would see those of one connection only.
 */
export const endOfTurn: Schedule = (task) => void setImmediate(task);

/**
 * Runs the task after the callback that is running. A server that handles all requests of a turn in one callback uses it, so
 * that their calls need not wait for another turn.
 */
export const endOfCallback: Schedule = (task) => process.nextTick(task);

/**
 * Returns a function that passes on at most one message a minute, so that a peer can't fill the log.
 *
 * @param tell gets the message
 */
export function seldom(
  timers: Pick<Timers, 'nowMs'>,
  tell: (message: string) => void,
): (message: string) => void {
  let lastMs = -Infinity;
  return (message) => {
    const atMs = timers.nowMs();
    if (atMs - lastMs < SELDOM_MS) return;
    lastMs = atMs;
    tell(message);
  };
}

const SELDOM_MS = 60_000;
