import { execFileSync } from 'node:child_process';

/** Whether {@link residentBytes} can tell on this platform. */
export const canMeasureMemory = process.platform === 'linux' || process.platform === 'darwin';

/** A process's memory as the operating system counts it. */
export function residentBytes(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024;
}
