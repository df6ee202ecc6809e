import { setImmediate } from 'node:timers/promises';

/** Waits until the condition holds. @throws Error if that takes longer than 20 seconds */
export async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + LIMIT_MS; !holds(); await setImmediate())
    if (performance.now() > endMs) throw new Error(`it did not happen in time: ${holds}`);
}

const LIMIT_MS = 20_000;
