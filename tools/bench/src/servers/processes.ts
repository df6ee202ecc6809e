import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Returns the CPU time of a process with all its threads, in nanoseconds. NaN on systems other than Linux. */
export function cpuNanoseconds(pid: number): number {
  try {
    let sum = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [running] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ');
      sum += Number(running);
    }
    return sum;
  } catch {
    return NaN;
  }
}

/** Returns the RSS of a process, in bytes. NaN on systems other than Linux. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** Returns the highest RSS of a process since {@link forgetPeak}, in bytes. NaN on systems other than Linux. */
export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

/** Resets the highest RSS to the current one. Without the permission to do so, it stays the highest of all time. */
export function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // proc(5): only for the owner, and only on Linux
  }
}

function statusBytes(pid: number, field: string): number {
  try {
    const kibibytes = new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(
      readFileSync(`/proc/${pid}/status`, 'latin1'),
    )?.[1];
    return Number(kibibytes ?? NaN) * 1024;
  } catch {
    return NaN;
  }
}
