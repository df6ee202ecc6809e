import { setTimeout } from 'node:timers/promises';

/**
 * Waits until the condition holds, and asks again after a pause.
 *
 * @param explain tells the state of affairs for the message of the error
 * @throws Error if the condition does not hold in time
 */
export async function until(
  holds: () => Promise<boolean> | boolean,
  explain: () => Promise<string> | string = () => String(holds),
  { limitMs = 90_000, maxPauseMs = 32 }: WaitLimits = {},
): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (let pauseMs = 1; !(await holds()); pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    if (performance.now() > endMs)
      throw new Error(`it did not happen within ${limitMs / 1000} s: ${await explain()}`);
    await setTimeout(pauseMs);
  }
}

export interface WaitLimits {
  /** Default: 90 s, less than Jest gives a test. */
  readonly limitMs?: number;
  /** The longest pause between two questions. The first ones are shorter. Default: 32 ms. */
  readonly maxPauseMs?: number;
}
