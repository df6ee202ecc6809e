import { setTimeout } from 'node:timers/promises';

/**
 * Waits until the condition holds, and asks again after a pause.
 *
 * @param explain tells the state of affairs for the message of the error
 * @throws Error if the condition does not hold within 90 seconds
 */
export async function until(
  holds: () => Promise<boolean> | boolean,
  explain: () => Promise<string> | string = () => String(holds),
): Promise<void> {
  const endMs = performance.now() + LIMIT_MS;
  for (let pauseMs = 1; !(await holds()); pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    if (performance.now() > endMs) throw new Error(`it did not happen in time: ${await explain()}`);
    await setTimeout(pauseMs);
  }
}

/** Less than Jest gives a test. */
const LIMIT_MS = 90_000;
const MAX_PAUSE_MS = 32;
