import { setTimeout } from 'node:timers/promises';

const LOOKS = 5;

/** Returns the RSS of this process after collections. V8 returns pages in the background, so it waits until RSS stays the same. */
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
