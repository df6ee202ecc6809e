import { setTimeout } from 'node:timers/promises';

/**
 * Asks again and again until the condition holds. A question that fails counts as no.
 *
 * @param explain tells the state of affairs for the message of the error
 * @throws Error if the condition does not hold in time
 */
export async function until(
  holds: () => Promise<boolean>,
  explain: () => string,
  limitMs = LIMIT_MS,
): Promise<void> {
  let failure: unknown;
  for (const endMs = performance.now() + limitMs; ;) {
    try {
      if (await holds()) return;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > endMs)
      throw new Error(`${explain()} after ${limitMs / 1000} s`, { cause: failure });
    await setTimeout(PAUSE_MS);
  }
}

/** How long a cluster may take to heal. */
const LIMIT_MS = 300_000;
const PAUSE_MS = 250;
