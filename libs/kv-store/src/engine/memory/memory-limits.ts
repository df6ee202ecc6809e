import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';

/** The limits of this process's memory, in bytes. */
export interface MemoryLimits {
  readonly machineBytes: number;
  /** `Infinity` if no control group limits the process. */
  readonly cgroupBytes: number;
  readonly heapLimitBytes: number;
}

/** Less would leave no room for a page of each of the usual sizes. */
export const MIN_MAX_MEMORY_BYTES = 2 * 1024 * 1024;

/**
 * What a process needs besides its pairs, for code, heap and requests in flight. A node that is kept busy has 70 to 140 MB
 * of them, more with large values.
 */
const PROCESS_BYTES = 128 * 1024 * 1024;

/**
 * Returns how many bytes of pairs an engine may hold if nothing else is said: three quarters of Node's heap limit, or of the
 * memory that the process does not need for itself if that is less; at least {@link MIN_MAX_MEMORY_BYTES}. Pairs do not lie
 * in the heap, but its limit is what Node was told, or worked out, that it may use.
 */
export function defaultMaxMemoryBytes(limits: MemoryLimits = readMemoryLimits()): number {
  const bytes = Math.floor(0.75 * Math.min(limits.heapLimitBytes, memoryForPairs(limits)));
  return Math.max(bytes, MIN_MAX_MEMORY_BYTES);
}

/** Returns the bytes that are left for pairs if the process takes what it needs for itself; 0 if there are none. */
export function memoryForPairs({ machineBytes, cgroupBytes }: MemoryLimits): number {
  return Math.max(0, Math.min(machineBytes, cgroupBytes) - PROCESS_BYTES);
}

export function readMemoryLimits(): MemoryLimits {
  return {
    machineBytes: totalmem(),
    cgroupBytes: cgroupLimitBytes(readIfThere),
    heapLimitBytes: getHeapStatistics().heap_size_limit,
  };
}

/**
 * Returns the least limit of the process's control group and of the groups around it; `Infinity` if none has a limit.
 * `process.constrainedMemory()` of Node 20 looks at the process's own group alone, so it misses the limit of a pod or slice.
 *
 * @param read returns a file's text, or undefined if there is no such file
 */
export function cgroupLimitBytes(read: (path: string) => string | undefined): number {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n');
  const limits = groups.flatMap(limitFiles).map((file) => {
    const text = read(file)?.trim();
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : Infinity; // version 2 writes `max` for no limit
  });
  return Math.min(Infinity, ...limits);
}

/**
 * The files with the limits of a group, `hierarchy:controllers:path`, and of those around it. In a container the path may be
 * that outside, where there are no such files: the container's own group is then the outermost.
 */
function limitFiles(group: string): string[] {
  const [, hierarchy, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(group) ?? [];
  const around = path.split('/').map((_, i, names) => names.slice(0, i + 1).join('/'));
  if (hierarchy === '0')
    return around.flatMap((name) => CGROUP_2_FILES.map((file) => `/sys/fs/cgroup${name}/${file}`));
  if (controllers.split(',').includes('memory'))
    return around.map((name) => `/sys/fs/cgroup/memory${name}/memory.limit_in_bytes`);
  return [];
}

/** Beyond `memory.high` a process is slowed down until it hardly runs. */
const CGROUP_2_FILES = ['memory.max', 'memory.high'];

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
