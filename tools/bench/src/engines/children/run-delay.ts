import { openSync, readSync } from 'node:fs';

/**
 * How long this process's main thread was ready to run and had no processor, in milliseconds, since it began: what
 * others on the machine take from it. Only Linux tells; elsewhere it is 0.
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
