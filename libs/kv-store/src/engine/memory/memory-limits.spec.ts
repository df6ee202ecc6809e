import { cgroupLimitBytes, defaultMaxMemoryBytes, memoryForPairs } from './memory-limits.js';

const MB = 1024 ** 2;
const UNLIMITED_1 = '9223372036854771712\n';

const limitIn = (files: Readonly<Record<string, string>>): number => cgroupLimitBytes((path) => files[path]);

describe('the limit of the control groups', () => {
  it('is that of the own group, in version 2', () => {
    expect(
      limitIn({
        '/proc/self/cgroup': '0::/app\n',
        '/sys/fs/cgroup/app/memory.max': `${256 * MB}\n`,
        '/sys/fs/cgroup/app/memory.high': 'max\n',
      }),
    ).toBe(256 * MB);
  });

  it('is that of the own group, in version 1', () => {
    expect(
      limitIn({
        '/proc/self/cgroup': '12:cpu,cpuacct:/other\n4:memory:/app\n0::/\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED_1,
        '/sys/fs/cgroup/memory/app/memory.limit_in_bytes': `${256 * MB}\n`,
        '/sys/fs/cgroup/memory/other/memory.limit_in_bytes': '1\n',
      }),
    ).toBe(256 * MB);
  });

  it('is the least of the groups around it, in version 2', () => {
    expect(
      limitIn({
        '/proc/self/cgroup': '0::/pod.slice/app.scope\n',
        '/sys/fs/cgroup/pod.slice/memory.max': `${512 * MB}\n`,
        '/sys/fs/cgroup/pod.slice/memory.high': `${400 * MB}\n`,
        '/sys/fs/cgroup/pod.slice/app.scope/memory.max': 'max\n',
      }),
    ).toBe(400 * MB);
  });

  it('is the least of the groups around it, in version 1', () => {
    expect(
      limitIn({
        '/proc/self/cgroup': '4:memory:/pod/app\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED_1,
        '/sys/fs/cgroup/memory/pod/memory.limit_in_bytes': `${300 * MB}\n`,
        '/sys/fs/cgroup/memory/pod/app/memory.limit_in_bytes': UNLIMITED_1,
      }),
    ).toBe(300 * MB);
  });

  it.each([
    ['4:memory:/docker/1f2e', '/sys/fs/cgroup/memory/memory.limit_in_bytes'],
    ['0::/', '/sys/fs/cgroup/memory.max'],
  ])('is that of the container, whose group is the outermost for %s', (group, file) => {
    expect(limitIn({ '/proc/self/cgroup': `${group}\n`, [file]: `${128 * MB}\n` })).toBe(128 * MB);
  });

  it.each([
    [{}],
    [{ '/proc/self/cgroup': '' }],
    [{ '/proc/self/cgroup': '0::/app\n', '/sys/fs/cgroup/app/memory.max': 'max\n' }],
    [{ '/proc/self/cgroup': '0::/app\n', '/sys/fs/cgroup/app/memory.max': '' }],
  ])('is infinite with %j', (files) => {
    expect(limitIn(files)).toBe(Infinity);
  });
});

describe('the default limit of pairs', () => {
  it.each([
    // machine, control group, heap limit and default, in MB
    [32_000, Infinity, 4_144, 3_108],
    [32_000, 256, 259, 96],
    [32_000, 512, 259, 194.25],
    [256, Infinity, 259, 96],
    [256, 9e12, 259, 96],
    [32_000, 1_024, 4_144, 672],
    [32_000, 130, 259, 4],
    [32_000, 64, 259, 4],
    [64, Infinity, 100, 4],
  ])('of a machine of %d MB, a group of %d and a heap of %d is %d', (machine, cgroup, heap, expected) => {
    const limits = { machineBytes: machine * MB, cgroupBytes: cgroup * MB, heapLimitBytes: heap * MB };
    expect(defaultMaxMemoryBytes(limits)).toBe(expected * MB);
  });

  it('leaves the process its part of the memory', () => {
    const limits = { machineBytes: 1024 * MB, cgroupBytes: 256 * MB, heapLimitBytes: 4_144 * MB };
    expect(memoryForPairs(limits)).toBe(128 * MB);
    expect(memoryForPairs({ ...limits, cgroupBytes: 100 * MB })).toBe(0);
  });

  it('can be worked out on this machine', () => {
    expect(defaultMaxMemoryBytes()).toBeGreaterThanOrEqual(4 * MB);
  });
});
