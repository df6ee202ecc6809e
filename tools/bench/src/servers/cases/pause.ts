import { setTimeout } from 'node:timers/promises';

/** For so long a load goes on by itself. */
export async function pause(seconds: number): Promise<void> {
  await setTimeout(seconds * 1000);
}
