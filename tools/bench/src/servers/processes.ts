import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * The CPU time that a process has taken with all its threads, in nanoseconds. NaN where the system does not tell, which
 * is everywhere but on Linux.
 */
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

/** The memory that a process has from the system, in bytes; NaN as above. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

/** The most memory that a process has had since {@link forgetPeak}, in bytes; NaN as above. */
export function peakResidentBytes(pid: number): number {
  return statusBytes(pid, 'VmHWM');
}

/** Lets the peak start from what the process has now. Where that cannot be done, it stays the peak of all time. */
export function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // proc(5): only for the owner, and only on Linux
  }
}

/** The processes that a process has started and that are still there; none where the system does not tell. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && parentOf(entry) === pid)
      .map(Number);
  } catch {
    return [];
  }
}

/** NaN for a process that is gone. */
function parentOf(pid: string): number {
  try {
    // After the command's name in parentheses, which may hold anything: the state, then the parent.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
  } catch {
    return NaN;
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
