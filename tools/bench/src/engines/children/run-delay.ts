import { openSync, readSync } from 'node:fs';

/**
 * Returns a function that tells how long the main thread was ready and had no processor since the process began, in
 * milliseconds. It returns 0 on systems other than Linux.
 */
export function runDelay(): () => number {
  const buffer = Buffer.alloc(128);
  try {
    const file = openSync('/proc/self/schedstat', 'r');
    return () => {
      const length = readSync(file, buffer, 0, buffer.length, 0);
      return Number(buffer.toString('latin1', 0, length).split(' ')[1]) / 1e6;
    };
  } catch {
    return () => 0;
  }
}
