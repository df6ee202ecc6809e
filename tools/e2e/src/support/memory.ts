import { execFileSync } from 'node:child_process';

/** Whether {@link residentBytes} works on this platform. */
export const canMeasureMemory = process.platform === 'linux' || process.platform === 'darwin';

/** Returns the RSS of a process. */
export function residentBytes(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
}
