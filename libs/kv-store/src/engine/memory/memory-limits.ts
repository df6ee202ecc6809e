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

/** All partitions take 2.6 MiB without pairs, and are never freed. With less, an evicting engine would refuse writes too. */
export const MIN_MAX_MEMORY_BYTES = 4 * 1024 * 1024;

/**
 * How much memory a process needs besides its pairs, for code, heap and requests in flight. A busy node uses 70 to
 * 140 MB, and more with large values.
 */
const PROCESS_BYTES = 128 * 1024 * 1024;

/**
 * Returns the default for how many bytes of pairs an engine may hold: three quarters of Node's heap limit, or the
 * memory that the process does not need for itself if that is less, but at least {@link MIN_MAX_MEMORY_BYTES}. Pairs
 * are not in the heap, but its limit says how much memory Node may use.
 */
export function defaultMaxMemoryBytes(limits: MemoryLimits = readMemoryLimits()): number {
  const bytes = Math.floor(0.75 * Math.min(limits.heapLimitBytes, memoryForPairs(limits)));
  return Math.max(bytes, MIN_MAX_MEMORY_BYTES);
}

/** Returns how many bytes are left for pairs beside what the process needs for itself; 0 if there are none. */
export function memoryForPairs({ machineBytes, cgroupBytes }: MemoryLimits): number {
  return Math.max(0, Math.min(machineBytes, cgroupBytes) - PROCESS_BYTES);
}

/** Reads the limits of the machine, the container and the process. */
export function readMemoryLimits(): MemoryLimits {
  return {
    machineBytes: totalmem(),
    cgroupBytes: cgroupLimitBytes(readIfThere),
    heapLimitBytes: getHeapStatistics().heap_size_limit,
  };
}

/**
 * Returns the lowest limit of the process's control group and of the groups around it; `Infinity` if none has a
 * limit. `process.constrainedMemory()` of Node 20 reads only the process's own group, so it misses the limit of a pod
 * or slice.
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
 * Returns the files with the limits of a group, `hierarchy:controllers:path`, and of the groups around it. In a
 * container, the path may be that outside, where no such files exist. Then the container's own group is the
 * outermost.
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
