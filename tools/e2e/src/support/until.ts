import { setTimeout } from 'node:timers/promises';

/**
 * Asks again and again until the condition holds.
 *
 * @param explain tells the state of affairs for the message of the error
 * @throws Error if the condition does not hold within 90 seconds
 */
export async function until(
  holds: () => Promise<boolean>,
  explain: () => Promise<string> | string,
): Promise<void> {
  for (const endMs = performance.now() + LIMIT_MS; !(await holds());) {
    if (performance.now() > endMs) throw new Error(`it did not happen in time: ${await explain()}`);
    await setTimeout(PAUSE_MS);
  }
}

const LIMIT_MS = 90_000;
const PAUSE_MS = 50;
