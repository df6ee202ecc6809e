import { setTimeout } from 'node:timers/promises';

const LOOKS = 5;

/**
 * What the process has of the machine's memory, once what is not used any more has been collected and given back. V8
 * gives pages back in the background, so it is waited for until it is hardly less any more.
 */
export async function residentBytes(): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < LOOKS; look++) {
    globalThis.gc?.();
    await setTimeout(20);
    const now = process.memoryUsage.rss();
    if (now < 0.99 * least) look = 0;
    least = Math.min(least, now);
  }
  return least;
}
