import type { Timers } from './ports.js';

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
    if (atMs - lastMs < PAUSE_MS) return;
    lastMs = atMs;
    tell(message);
  };
}

const PAUSE_MS = 60_000;
